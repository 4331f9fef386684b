#include "sluice/io/simulate.h"

#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include "sluice/io/simulate/simulate_history.h"
#include "sluice/io/simulate/simulate_world.h"

namespace sluice::io {
namespace {

constexpr std::size_t kPieceBytes = 1 << 16;

// Ages at which windows begin or end. A fraud becomes known 7 days after it happened: its windows end there.
constexpr std::array<std::int64_t, 3> kCustomerAges = {1 * kDay, 7 * kDay, 30 * kDay};
constexpr std::array<std::int64_t, 6> kTerminalAges = {1 * kDay, 7 * kDay, 8 * kDay, 14 * kDay, 30 * kDay, 37 * kDay};

/// One line of CSV. Numbers are written from integers, so that their text is the same everywhere.
class Line {
 public:
  explicit Line(std::string& out) : out_(out) {}

  void integer(std::int64_t value) {
    char text[24];
    out_.append(text, std::to_chars(text, text + sizeof text, value).ptr);
    out_ += ',';
  }
  void text(std::string_view text) {
    out_ += text;
    out_ += ',';
  }
  void padded(std::int64_t value, std::size_t n_digits) {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    const auto n = static_cast<std::size_t>(end - text);
    out_.append(n < n_digits ? n_digits - n : 0, '0').append(text, end);
  }
  /// `value` in units of 10^-n_decimals.
  void decimal(std::int64_t value, std::size_t n_decimals) {
    padded(value, n_decimals + 1);
    out_.insert(out_.size() - n_decimals, 1, '.');
    out_ += ',';
  }
  void id(char letter, std::uint32_t number) {
    out_ += letter;
    padded(number, 6);
    out_ += ',';
  }
  void missing() { out_ += ','; }
  void end() { out_.back() = '\n'; }

 private:
  std::string& out_;
};

struct CustomerMemory {
  History<kCustomerAges.size()> history;
  std::int64_t last_time = -1;
  std::uint32_t last_terminal = 0;
};

using TerminalMemory = History<kTerminalAges.size()>;

/// sum / n in units of `unit`, rounded half up to an integer.
void mean(Line& line, std::uint64_t sum, std::uint64_t n, std::uint64_t unit, std::size_t n_decimals) {
  if (n == 0) return line.missing();
  line.decimal(static_cast<std::int64_t>((sum * unit + n / 2) / n), n_decimals);
}

/// Turns transactions, in time order, into lines with everything that was known at the time of each.
class Observer {
 public:
  Observer(const World& world, std::int64_t first_day, std::string& out)
      : world_(world),
        first_day_(first_day),
        out_(out),
        customers_(world.customers().size()),
        terminals_(world.terminals().size()) {}

  void observe(const Transaction& t) {
    Line line(out_);
    write_identity(line, t);
    write_place(line, t);
    write_customer_history(line, t);
    write_terminal_history(line, t);
    write_attributes(line, t);
    line.integer(t.is_fraud);
    line.integer(t.scenario);
    line.end();
    remember(t);
  }

 private:
  void write_identity(Line& line, const Transaction& t) {
    const std::int64_t day = t.time / kDay, second = t.time % kDay, hour = second / 3600;
    if (day != day_) date_ = format_time(static_cast<double>((first_day_ + day) * kDay)).substr(0, 11);
    day_ = day;
    line.integer(n_rows_++);
    out_ += date_;
    line.padded(hour, 2), out_ += ':';
    line.padded(second / 60 % 60, 2), out_ += ':';
    line.padded(second % 60, 2);
    line.text("Z");
    line.id('C', t.customer);
    line.id('T', t.terminal);
    line.decimal(t.cents, 2);
    line.decimal(second * 100 / 3600, 2);
    line.integer(hour < 6 || hour >= 22);
    line.integer(is_weekend(first_day_ + day));
  }

  void write_place(Line& line, const Transaction& t) {
    const Point here = world_.terminals()[t.terminal].place;
    const CustomerMemory& memory = customers_[t.customer];
    const auto hundredths = [](double km) { return static_cast<std::int64_t>(std::floor(km * 100 + 0.5)); };
    line.decimal(hundredths(distance(world_.customers()[t.customer].home, here)), 2);
    if (memory.last_time < 0) return line.missing(), line.missing();
    line.decimal(hundredths(distance(world_.terminals()[memory.last_terminal].place, here)), 2);
    line.integer(t.time - memory.last_time);
  }

  void write_customer_history(Line& line, const Transaction& t) {
    auto& history = customers_[t.customer].history;
    const auto before = history.until(t.time, kCustomerAges);
    for (const Sums& start : before) line.integer((history.all() - start).n);
    for (const Sums& start : before) mean(line, (history.all() - start).cents, (history.all() - start).n, 1, 2);
  }

  void write_terminal_history(Line& line, const Transaction& t) {
    auto& history = terminals_[t.terminal];
    const auto [day1, day7, day8, day14, day30, day37] = history.until(t.time, kTerminalAges);
    const Sums all = history.all();
    for (const Sums& start : {day1, day7, day30}) line.integer((all - start).n);
    for (const Sums& start : {day8, day14, day37}) mean(line, (day7 - start).n_frauds, (day7 - start).n, 10'000, 4);
    mean(line, (all - day30).cents, (all - day30).n, 1, 2);
  }

  void write_attributes(Line& line, const Transaction& t) const {
    const Customer& c = world_.customers()[t.customer];
    line.text(kMerchantCategories[world_.terminals()[t.terminal].category]);
    line.text(kChannels[t.channel]);
    line.text(kCountries[c.country]);
    line.text(kCountries[t.ip_country]);
    line.integer(c.age);
    line.integer(c.account_age_days + t.time / kDay);
    c.credit_limit > 0 ? line.integer(c.credit_limit) : line.missing();
    line.integer(t.pin_failures);
    t.device_risk >= 0 ? line.decimal(t.device_risk, 4) : line.missing();
    t.merchant_watch >= 0 ? line.decimal(t.merchant_watch, 4) : line.missing();
    t.velocity_network >= 0 ? line.integer(t.velocity_network) : line.missing();
  }

  void remember(const Transaction& t) {
    CustomerMemory& memory = customers_[t.customer];
    memory.history.add(t.time, t.cents, t.is_fraud);
    memory.last_time = t.time;
    memory.last_terminal = t.terminal;
    terminals_[t.terminal].add(t.time, t.cents, t.is_fraud);
  }

  const World& world_;
  std::int64_t first_day_;  // days since 1970
  std::string& out_;
  std::vector<CustomerMemory> customers_;
  std::vector<TerminalMemory> terminals_;
  std::int64_t n_rows_ = 0, day_ = -1;
  std::string date_;
};

template <std::size_t N>
Column category(std::string name, std::string group, const std::array<std::string_view, N>& words) {
  return {.name = std::move(name),
          .kind = Kind::category,
          .group = std::move(group),
          .vocabulary = {words.begin(), words.end()}};
}

Column number(std::string name, std::string unit, std::string group) {
  return {.name = std::move(name), .unit = std::move(unit), .group = std::move(group)};
}

Column late(std::string name) { return {.name = std::move(name), .group = "outside services", .late = true}; }

}  // namespace

Schema simulated_schema() {
  std::vector<Column> columns = {{.name = "transaction_id", .kind = Kind::id},
                                 {.name = "timestamp", .kind = Kind::time},
                                 {.name = "customer_id", .kind = Kind::id},
                                 {.name = "terminal_id", .kind = Kind::id},
                                 number("amount", "USD", "amount"),
                                 number("hour", "hours", "time of day and week"),
                                 number("is_night", "", "time of day and week"),
                                 number("is_weekend", "", "time of day and week"),
                                 number("distance_home", "km", "distance"),
                                 number("distance_last", "km", "distance"),
                                 number("seconds_since_last", "seconds", "recent activity")};
  for (const char* window : {"1d", "7d", "30d"})
    columns.push_back(number(std::string("customer_n_") + window, "", "recent activity"));
  for (const char* window : {"1d", "7d", "30d"})
    columns.push_back(number(std::string("customer_mean_amount_") + window, "USD", "amount"));
  for (const char* window : {"1d", "7d", "30d"})
    columns.push_back(number(std::string("terminal_n_") + window, "", "terminal history"));
  for (const char* window : {"1d", "7d", "30d"})
    columns.push_back(number(std::string("terminal_fraud_rate_") + window, "", "terminal history"));
  columns.push_back(number("terminal_mean_amount_30d", "USD", "terminal history"));
  columns.push_back(category("merchant_category", "merchant and channel", kMerchantCategories));
  columns.push_back(category("channel", "merchant and channel", kChannels));
  columns.push_back(category("card_country", "country", kCountries));
  columns.push_back(category("ip_country", "country", kCountries));
  columns.push_back({.name = "customer_age", .unit = "years", .is_protected = true});
  columns.push_back(number("account_age", "days", "account"));
  columns.push_back(number("credit_limit", "USD", "account"));
  columns.push_back(number("pin_failures", "", "recent activity"));
  for (const char* name : {"device_risk", "merchant_watch", "velocity_network"}) columns.push_back(late(name));
  return Schema(std::move(columns));
}

void simulate(const SimulateOptions& options, const std::function<void(std::string_view)>& write,
              const Progress& progress) {
  const auto first_day = static_cast<std::int64_t>(std::floor(options.start / static_cast<double>(kDay)));
  World world(options.n_rows, options.seed, first_day);
  std::string out;
  const Schema schema = simulated_schema();
  for (const Column& column : schema.columns()) out += column.name + ",";
  out += "fraud,scenario\n";
  Observer observer(world, first_day, out);
  for (std::uint64_t n = 0; n < options.n_rows;) {
    for (const Transaction& t : world.next_day()) {
      if (n++ == options.n_rows) break;
      observer.observe(t);
      if (out.size() < kPieceBytes) continue;
      write(out);
      out.clear();
      report(progress, "simulate", n, options.n_rows);
    }
  }
  write(out);
  report(progress, "simulate", options.n_rows, options.n_rows);
}

}  // namespace sluice::io
