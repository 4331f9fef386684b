#pragma once
/// What happens in the simulated world: who buys what, where and when, and which purchases are fraud. Not installed.
///
/// Features are computed in simulate_history.h, from what an observer would know at the time.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "sluice/base/random.h"

namespace sluice::io {

inline constexpr std::array<std::string_view, 10> kMerchantCategories = {
    "grocery", "restaurant", "fuel", "health", "services", "electronics", "fashion", "travel", "gaming", "jewellery"};
inline constexpr std::array<std::string_view, 4> kChannels = {"contactless", "chip", "magstripe", "online"};
inline constexpr std::array<std::string_view, 8> kCountries = {"US", "CA", "GB", "DE", "FR", "NL", "BR", "IN"};

inline constexpr std::int64_t kDay = 86'400;  // seconds

enum Channel : std::uint8_t { contactless, chip, magstripe, online };
enum Scenario : std::uint8_t { genuine, compromised_terminal, compromised_card, burst, odd_together, mislabelled };

inline bool is_weekend(std::int64_t days_since_1970) {
  const std::int64_t weekday = ((days_since_1970 + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday; 0 is Sunday
  return weekday == 0 || weekday == 6;
}

struct Point {
  double x = 0, y = 0;  // km
};
double distance(Point a, Point b);

struct Terminal {
  Point place;
  std::uint8_t category = 0;            // index into kMerchantCategories
  std::int64_t compromised_until = -1;  // day
};

struct Customer {
  Point home;
  std::vector<std::uint32_t> terminals;  // within the customer's radius
  double daily_rate = 1, log_amount = 3.4, log_amount_spread = 0.7;
  double night_share = 0.05, online_share = 0.2, weekend_factor = 1;
  std::uint8_t country = 0;             // index into kCountries
  int age = 40, account_age_days = 0;   // at the start
  int credit_limit = 0;                 // USD; 0 for unknown
  std::int64_t compromised_until = -1;  // day
};

struct Transaction {
  std::int64_t time = 0;  // seconds since the start
  std::uint32_t customer = 0, terminal = 0, cents = 0;
  std::uint8_t channel = contactless, ip_country = 0, pin_failures = 0, scenario = genuine;
  bool is_fraud = false;  // as labelled
  // What outside services would report; below 0 for no answer.
  int device_risk = -1, merchant_watch = -1;  // in 1/10000
  int velocity_network = -1;
};

/// Deterministic in its arguments. Not thread-safe.
class World {
 public:
  /// `first_day`: days since 1970-01-01.
  World(std::uint64_t n_rows, std::uint64_t seed, std::int64_t first_day);

  const std::vector<Customer>& customers() const { return customers_; }
  const std::vector<Terminal>& terminals() const { return terminals_; }

  /// The next day's transactions in time order; valid until the next call.
  const std::vector<Transaction>& next_day();

 private:
  void place_terminals(std::size_t side);
  void settle_customer(Customer& customer, std::size_t side);
  void compromise();
  void spend(std::uint32_t customer);
  void spend_burst(std::uint32_t customer);
  Transaction ordinary(std::uint32_t customer);
  void misuse(Transaction& t);
  void finish(Transaction& t);
  void ask_services(Transaction& t);
  double oddness(const Transaction& t) const;
  int poisson(double mean);
  bool chance(double p) { return random_.uniform() < p; }
  double drift(double period_days, double phase) const;

  Random random_;
  std::int64_t first_day_;
  std::int64_t day_ = -1;  // since the first day
  std::vector<Terminal> terminals_;
  std::vector<Customer> customers_;
  std::vector<Transaction> today_;
};

}  // namespace sluice::io
