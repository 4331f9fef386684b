#include "sluice/io/simulate/simulate_world.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "sluice/base/number.h"

namespace sluice::io {
namespace {

// Shares and rates are chosen so that about 1.5 % of the rows are frauds, in similar numbers for each scenario.
constexpr std::uint64_t kRowsPerCustomer = 200;  // six months at 1.1 a day
constexpr std::uint64_t kFewestCustomers = 50, kMaxCustomers = 50'000;
constexpr double kSpacing = 2.0;  // km between terminals
constexpr std::int64_t kTerminalDays = 28, kCardDays = 14;
constexpr double kTerminalRate = 0.00026, kCardRate = 0.0008,
                 kBurstRate = 0.0009;                     // per terminal, customer, customer and day
constexpr double kTerminalShare = 0.6, kCardShare = 0.4;  // share of frauds among the transactions there
// Frauds labelled genuine, genuine transactions labelled fraud.
constexpr double kLostShare = 0.04, kWrongShare = 0.0004;
constexpr double kNoAnswer = 0.03;

//                                             grocery restaurant fuel health services electronics fashion travel gaming
//                                             jewellery
constexpr std::array<double, 10> kShares = {0.24, 0.18, 0.13, 0.07, 0.10, 0.08, 0.09, 0.04, 0.05, 0.02};
constexpr std::array<double, 10> kAmounts = {0.8, 0.7, 1.0, 1.1, 1.0, 2.4, 1.4, 4.0, 0.5, 5.0};
constexpr std::array<double, 10> kOnline = {0.1, 0.1, 0.0, 0.1, 0.4, 0.9, 0.8, 1.2, 2.0, 0.4};

template <std::size_t N>
std::uint8_t draw(Random& random, const std::array<double, N>& shares) {
  double u = random.uniform();
  std::uint8_t i = 0;
  while (i + 1u < N && u >= shares[i]) u -= shares[i++];
  return i;
}

int in_ten_thousandths(double log_odds) { return static_cast<int>(sigmoid(log_odds) * 10'000); }

}  // namespace

double distance(Point a, Point b) { return std::sqrt((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)); }

World::World(std::uint64_t n_rows, std::uint64_t seed, std::int64_t first_day) : random_(seed), first_day_(first_day) {
  const auto n_customers = std::clamp(n_rows / kRowsPerCustomer, kFewestCustomers, kMaxCustomers);
  const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(n_customers))));
  place_terminals(side);
  customers_.resize(n_customers);
  for (auto& customer : customers_) settle_customer(customer, side);
}

/// One terminal in each square of a grid, so that terminals near a home can be enumerated.
void World::place_terminals(std::size_t side) {
  terminals_.resize(side * side);
  for (std::size_t i = 0; i < terminals_.size(); ++i) {
    const auto column = static_cast<double>(i % side), row = static_cast<double>(i / side);
    terminals_[i].place = {(column + random_.uniform()) * kSpacing, (row + random_.uniform()) * kSpacing};
    terminals_[i].category = draw(random_, kShares);
  }
}

void World::settle_customer(Customer& c, std::size_t side) {
  const double width = static_cast<double>(side) * kSpacing, radius = random_.uniform(4.0, 12.0);
  c.home = {random_.uniform(0, width), random_.uniform(0, width)};
  const auto square = [&](double at) {
    return static_cast<std::size_t>(std::clamp(at / kSpacing, 0.0, static_cast<double>(side - 1)));
  };
  for (std::size_t row = square(c.home.y - radius); row <= square(c.home.y + radius); ++row)
    for (std::size_t column = square(c.home.x - radius); column <= square(c.home.x + radius); ++column)
      if (distance(terminals_[row * side + column].place, c.home) <= radius)
        c.terminals.push_back(static_cast<std::uint32_t>(row * side + column));
  c.daily_rate = random_.uniform(0.2, 2.0);
  c.log_amount = 3.3 + 0.5 * random_.normal();
  c.log_amount_spread = random_.uniform(0.5, 0.9);
  c.night_share = random_.uniform(0.01, 0.12);
  c.online_share = random_.uniform(0.05, 0.5);
  c.weekend_factor = random_.uniform(0.6, 1.6);
  c.country = chance(0.85) ? 0 : static_cast<std::uint8_t>(1 + random_.below(kCountries.size() - 1));
  c.age = static_cast<int>(std::clamp(45 + 16 * random_.normal(), 18.0, 92.0));
  c.account_age_days = static_cast<int>(random_.uniform(0, 1) * 365 * (c.age - 16) * 0.5);
  c.credit_limit =
      chance(kNoAnswer) ? 0 : 500 * (1 + static_cast<int>(exp_fixed(c.log_amount) * random_.uniform(0.1, 0.6)));
}

int World::poisson(double mean) {  // Knuth, The Art of Computer Programming 2, 3.4.1
  const double limit = exp_fixed(-mean);
  int n = 0;
  for (double product = random_.uniform(); product > limit; product *= random_.uniform()) ++n;
  return n;
}

double World::drift(double period_days, double phase) const {
  return 1.0 + 0.5 * std::sin(2 * std::numbers::pi * (static_cast<double>(day_) / period_days + phase));
}

/// On the first day, as many as would have been compromised before it, each with some of its days left.
void World::compromise() {
  const bool is_first_day = day_ == 0;
  const auto until = [&](std::int64_t n_days) {
    return day_ +
           (is_first_day ? 1 + static_cast<std::int64_t>(random_.uniform() * static_cast<double>(n_days)) : n_days);
  };
  const auto expected = [&](std::size_t n, double rate, std::int64_t n_days) {
    return static_cast<double>(n) * rate * static_cast<double>(is_first_day ? n_days : 1);
  };
  for (int n = poisson(expected(terminals_.size(), kTerminalRate * drift(150, 0.1), kTerminalDays)); n > 0; --n)
    terminals_[random_.below(terminals_.size())].compromised_until = until(kTerminalDays);
  for (int n = poisson(expected(customers_.size(), kCardRate * drift(120, 0.6), kCardDays)); n > 0; --n)
    customers_[random_.below(customers_.size())].compromised_until = until(kCardDays);
}

Transaction World::ordinary(std::uint32_t customer) {
  const Customer& c = customers_[customer];
  Transaction t;
  t.customer = customer;
  const bool is_away = c.terminals.empty() || chance(0.02);
  t.terminal = is_away ? static_cast<std::uint32_t>(random_.below(terminals_.size()))
                       : c.terminals[random_.below(c.terminals.size())];
  const std::uint8_t category = terminals_[t.terminal].category;
  double hour =
      chance(c.night_share) ? random_.uniform(22, 30) : std::clamp(14.5 + 3.5 * random_.normal(), 6.0, 21.999);
  if (hour >= 24) hour -= 24;
  t.time = day_ * kDay + static_cast<std::int64_t>(hour * 3600);
  const double months = static_cast<double>(day_) / 30;
  const double usual =
      exp_fixed(c.log_amount + c.log_amount_spread * random_.normal()) * kAmounts[category] * (1 + 0.005 * months);
  t.cents = static_cast<std::uint32_t>(std::clamp(usual * (chance(0.01) ? 400 : 100), 50.0, 2e6));
  const bool is_online = chance(std::min(0.95, c.online_share * kOnline[category] * (1 + 0.02 * months)));
  t.channel = is_online ? online : chance(0.55) ? contactless : chance(0.95) ? chip : magstripe;
  t.ip_country = chance(0.97) ? c.country : static_cast<std::uint8_t>(random_.below(kCountries.size()));
  t.pin_failures = static_cast<std::uint8_t>(poisson(0.04));
  return t;
}

/// A stolen card: amounts are higher, often far away or online; less so over the months, as thieves adapt.
void World::misuse(Transaction& t) {
  const double factor = std::max(1.8, 5.0 - 0.5 * static_cast<double>(day_) / 30);
  t.scenario = compromised_card;
  t.cents = static_cast<std::uint32_t>(std::min(t.cents * factor * random_.uniform(0.5, 1.5), 2e6));
  if (chance(0.5)) t.terminal = static_cast<std::uint32_t>(random_.below(terminals_.size()));
  if (chance(0.4)) t.channel = online;
  if (chance(0.3)) t.ip_country = static_cast<std::uint8_t>(random_.below(kCountries.size()));
  t.pin_failures = static_cast<std::uint8_t>(poisson(0.3));
}

/// Several high amounts online within two hours.
void World::spend_burst(std::uint32_t customer) {
  const std::int64_t first = day_ * kDay + static_cast<std::int64_t>(random_.below(22 * 3600));
  for (auto n = 3 + random_.below(4); n > 0; --n) {
    Transaction t = ordinary(customer);
    t.scenario = burst;
    t.time = first + static_cast<std::int64_t>(random_.below(7200));
    t.terminal = static_cast<std::uint32_t>(random_.below(terminals_.size()));
    t.channel = online;
    t.cents = static_cast<std::uint32_t>(std::min(t.cents * random_.uniform(2, 6) + 5000, 2e6));
    finish(t);
  }
}

/// Log-odds-like: distance from home, amount relative to this customer, hour of the night, and above all the
/// combination of them.
double World::oddness(const Transaction& t) const {
  const Customer& c = customers_[t.customer];
  const double far = (std::log1p(distance(c.home, terminals_[t.terminal].place)) - 1.8) / 0.5;
  const double much = (std::log(t.cents / 100.0) - c.log_amount) / c.log_amount_spread;
  const double late = std::cos(2 * std::numbers::pi * (static_cast<double>(t.time % kDay) / kDay - 2.5 / 24));
  return 0.8 * far + 0.8 * much + 1.1 * late + 0.5 * far * much + 0.4 * much * late;
}

void World::finish(Transaction& t) {
  const bool is_bad_terminal = terminals_[t.terminal].compromised_until > day_;
  const double months = static_cast<double>(day_) / 30;
  if (t.scenario == genuine && is_bad_terminal && chance(kTerminalShare)) t.scenario = compromised_terminal;
  if (t.scenario == genuine && chance(sigmoid(oddness(t) - 7.7 + 0.1 * months))) t.scenario = odd_together;
  t.is_fraud = t.scenario != genuine && !chance(kLostShare);
  if (t.scenario == genuine && chance(kWrongShare)) {
    t.scenario = mislabelled;
    t.is_fraud = true;
  }
  ask_services(t);
  today_.push_back(t);
}

void World::ask_services(Transaction& t) {
  //                                       genuine terminal card burst odd mislabelled
  constexpr std::array<double, 6> kDevice = {0.0, 0.4, 2.0, 2.4, 1.8, 0.0};
  constexpr std::array<double, 6> kVelocity = {0.0, 0.5, 3.0, 5.0, 1.5, 0.0};
  const bool is_bad_terminal = terminals_[t.terminal].compromised_until > day_;
  const double device = -2.5 + 0.9 * random_.normal() + kDevice[t.scenario];
  const double merchant = -2.5 + 0.8 * random_.normal() + (is_bad_terminal ? 2.0 : 0.0);
  const int velocity = poisson(1.2 + kVelocity[t.scenario]);
  if (!chance(kNoAnswer)) t.device_risk = in_ten_thousandths(device);
  if (!chance(kNoAnswer)) t.merchant_watch = in_ten_thousandths(merchant);
  if (!chance(kNoAnswer)) t.velocity_network = velocity;
}

void World::spend(std::uint32_t customer) {
  const Customer& c = customers_[customer];
  for (int n = poisson(c.daily_rate * (is_weekend(first_day_ + day_) ? c.weekend_factor : 1.0)); n > 0; --n) {
    Transaction t = ordinary(customer);
    if (c.compromised_until > day_ && chance(kCardShare)) misuse(t);
    finish(t);
  }
  if (chance(kBurstRate * drift(90, 0.0))) spend_burst(customer);
}

const std::vector<Transaction>& World::next_day() {
  today_.clear();
  ++day_;
  compromise();
  for (std::uint32_t customer = 0; customer < customers_.size(); ++customer) spend(customer);
  std::stable_sort(today_.begin(), today_.end(),
                   [](const Transaction& a, const Transaction& b) { return a.time < b.time; });
  return today_;
}

}  // namespace sluice::io
