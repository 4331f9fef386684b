#include "sluice/io/simulate.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "io_support.h"
#include "sluice/base/digest.h"
#include "sluice/io/csv.h"
#include "sluice/io/rows.h"

using namespace sluice;
using namespace sluice::io;
using test::TempDir;
using test::written;

namespace {

constexpr long kDay = 86'400;

std::string simulated(const SimulateOptions& options) {
  std::string text;
  simulate(options, [&](std::string_view piece) { text += piece; });
  return text;
}

/// The whole table as texts, by column name.
struct Simulated {
  std::map<std::string, std::size_t> columns;
  test::Records rows;
  std::vector<long> times;  // seconds since 1970

  explicit Simulated(const SimulateOptions& options) {
    const TempDir folder;
    CsvReader reader(written(folder, "t.csv", simulated(options)).string());
    for (std::size_t i = 0; i < reader.header().size(); ++i) columns[reader.header()[i]] = i;
    rows = test::read_all(reader);
    for (std::size_t i = 0; i < rows.size(); ++i) times.push_back(static_cast<long>(*parse_time(text(i, "timestamp"))));
  }
  const std::string& text(std::size_t row, const std::string& column) const { return rows[row][columns.at(column)]; }
  double number(std::size_t row, const std::string& column) const { return std::stod(text(row, column)); }
  long seconds(std::size_t row) const { return times[row]; }
};

std::string decimals(double value, int n) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", n, value);
  return text;
}

/// Sum, count and frauds over rows before `row` that share its `key`, with a time in (now - from, now - to], by a scan
/// over all of them.
struct Window {
  double cents = 0;
  int n = 0, n_frauds = 0;

  Window(const Simulated& data, std::size_t row, const std::string& key, long from, long to) {
    for (std::size_t j = 0; j < row; ++j) {
      const long age = data.seconds(row) - data.seconds(j);
      if (age >= from || age < to || data.text(j, key) != data.text(row, key)) continue;
      ++n;
      n_frauds += data.text(j, "fraud") == "1";
      cents += std::round(data.number(j, "amount") * 100);
    }
  }
  std::string mean() const { return n ? decimals(std::floor(cents / n + 0.5) / 100, 2) : ""; }
  std::string fraud_rate() const { return n ? decimals(std::floor(1e4 * n_frauds / n + 0.5) / 1e4, 4) : ""; }
};

}  // namespace

TEST_CASE("equal options give equal bytes, other options give other bytes") {
  const SimulateOptions options{.n_rows = 20'000, .seed = 7};
  const Digest digest = sha256(simulated(options));
  REQUIRE(sha256(simulated(options)) == digest);
  REQUIRE_FALSE(sha256(simulated({.n_rows = 20'000, .seed = 8})) == digest);
}

TEST_CASE("text comes in pieces of bounded size, and stops on request") {
  std::size_t longest = 0, n_lines = 0;
  simulate({.n_rows = 20'000}, [&](std::string_view piece) {
    longest = std::max(longest, piece.size());
    n_lines += static_cast<std::size_t>(std::count(piece.begin(), piece.end(), '\n'));
  });
  REQUIRE(n_lines == 20'001);
  REQUIRE(longest < 70'000);
  test::require_error("interrupted", {}, [&] {
    simulate(
        {.n_rows = 20'000}, [](std::string_view) {},
        [](std::string_view, std::uint64_t done, std::uint64_t) { return done < 5000; });
  });
}

TEST_CASE("every windowed feature equals a scan over all earlier rows") {
  const Simulated data({.n_rows = 3000, .seed = 3});
  REQUIRE(data.rows.size() == 3000);
  REQUIRE(data.seconds(2999) - data.seconds(0) > 40 * kDay);  // the longest window ends within
  const std::map<std::string, long> windows = {{"1d", kDay}, {"7d", 7 * kDay}, {"30d", 30 * kDay}};
  const long delay = 7 * kDay;
  std::map<std::string, std::size_t> last_row;
  for (std::size_t i = 0; i < data.rows.size(); ++i) {
    CAPTURE(i);
    if (i % 3 == 0 || i > 2800)  // the oracle is slow
      for (const auto& [name, length] : windows) {
        const Window customer(data, i, "customer_id", length, 0), terminal(data, i, "terminal_id", length, 0),
            labelled(data, i, "terminal_id", delay + length, delay);
        REQUIRE(data.text(i, "customer_n_" + name) == std::to_string(customer.n));
        REQUIRE(data.text(i, "customer_mean_amount_" + name) == customer.mean());
        REQUIRE(data.text(i, "terminal_n_" + name) == std::to_string(terminal.n));
        REQUIRE(data.text(i, "terminal_fraud_rate_" + name) == labelled.fraud_rate());
        if (name == "30d") REQUIRE(data.text(i, "terminal_mean_amount_30d") == terminal.mean());
      }
    const auto last = last_row.find(data.text(i, "customer_id"));
    REQUIRE(data.text(i, "seconds_since_last") ==
            (last == last_row.end() ? "" : std::to_string(data.seconds(i) - data.seconds(last->second))));
    last_row[data.text(i, "customer_id")] = i;
  }
}

TEST_CASE("rows are in time order, and the calendar columns follow from the time") {
  const Simulated data({.n_rows = 5000, .seed = 4, .start = *parse_time("2024-02-27T12:00:00")});
  REQUIRE(data.text(0, "timestamp").substr(0, 10) == "2024-02-27");
  for (std::size_t i = 0; i < data.rows.size(); ++i) {
    if (i > 0) REQUIRE(data.seconds(i) >= data.seconds(i - 1));
    const std::string& time = data.text(i, "timestamp");
    const int hour = std::stoi(time.substr(11, 2));
    REQUIRE(time == format_time(static_cast<double>(data.seconds(i))));
    REQUIRE(static_cast<int>(data.number(i, "hour")) == hour);
    REQUIRE((data.text(i, "is_night") == "1") == (hour < 6 || hour >= 22));
    const long days_since_monday = (data.seconds(i) / kDay + 3) % 7;  // 1970-01-01 was a Thursday
    REQUIRE((data.text(i, "is_weekend") == "1") == (days_since_monday >= 5));
    REQUIRE(data.text(i, "transaction_id") == std::to_string(i));
  }
}

TEST_CASE("distances are consistent with points in a plane") {
  const Simulated data({.n_rows = 5000, .seed = 5});
  std::map<std::string, std::string> home;  // customer and terminal: the distance between them
  std::map<std::string, std::size_t> last_row;
  for (std::size_t i = 0; i < data.rows.size(); ++i) {
    const std::string& customer = data.text(i, "customer_id");
    const auto [known, is_new] = home.emplace(customer + data.text(i, "terminal_id"), data.text(i, "distance_home"));
    REQUIRE(known->second == data.text(i, "distance_home"));
    if (const auto last = last_row.find(customer); last != last_row.end()) {
      const double here = data.number(i, "distance_home"), there = data.number(last->second, "distance_home"),
                   between = data.number(i, "distance_last");
      REQUIRE(between <= here + there + 0.02);
      REQUIRE(between >= std::abs(here - there) - 0.02);
      if (data.text(i, "terminal_id") == data.text(last->second, "terminal_id")) REQUIRE(between == 0);
    }
    last_row[customer] = i;
  }
}

TEST_CASE("frauds are few, of every scenario, drifting, and mostly but not always labelled") {
  const Simulated data({.n_rows = 200'000, .seed = 1});
  std::map<std::string, double> n_by_scenario, n_labelled;
  std::map<std::string, std::map<std::string, double>> n_by_month;
  double n_frauds = 0, n_missing = 0;
  for (std::size_t i = 0; i < data.rows.size(); ++i) {
    const std::string &scenario = data.text(i, "scenario"), month = data.text(i, "timestamp").substr(0, 7);
    const bool is_fraud = data.text(i, "fraud") == "1";
    ++n_by_scenario[scenario];
    ++n_by_month[scenario][month];
    n_labelled[scenario] += is_fraud;
    n_frauds += is_fraud;
    n_missing += data.text(i, "device_risk").empty();
  }
  REQUIRE(n_by_month["0"].size() >= 6);
  REQUIRE(n_frauds > 0.01 * 200'000);
  REQUIRE(n_frauds < 0.02 * 200'000);
  REQUIRE(std::abs(n_missing / 200'000 - 0.03) < 0.005);
  REQUIRE(n_labelled["0"] == 0);
  REQUIRE(n_labelled["5"] == n_by_scenario["5"]);
  for (const std::string scenario : {"1", "2", "3", "4"}) {
    CAPTURE(scenario, n_by_scenario[scenario]);
    REQUIRE(n_by_scenario[scenario] > 0.002 * 200'000);
    REQUIRE(n_by_scenario[scenario] < 0.008 * 200'000);
    REQUIRE(std::abs(n_labelled[scenario] / n_by_scenario[scenario] - 0.96) < 0.03);
  }
  const auto share = [&](const std::string& scenario, const std::string& month) {
    return n_by_month[scenario][month] / n_by_month["0"][month];
  };
  REQUIRE(share("4", "2024-05") > 1.2 * share("4", "2024-01"));
}

TEST_CASE("the schema reads every written column") {
  const TempDir folder;
  const Schema schema = simulated_schema();
  const auto path = written(folder, "t.csv", simulated({.n_rows = 10'000})).string();
  const CsvReader header(path);
  REQUIRE(header.header().size() == schema.size() + 2);
  for (std::size_t i = 0; i < schema.size(); ++i) REQUIRE(header.header()[i] == schema[i].name);
  RowReader reader(open_records(path), schema, {.label_column = "fraud", .extra_columns = {"scenario"}});
  RowBlock block;
  std::size_t n_rows = 0;
  while (reader.next(block)) n_rows += block.rows.n_rows();
  REQUIRE(n_rows == 10'000);
  REQUIRE(reader.warnings().empty());
  REQUIRE(schema.late_columns().size() == 3);
  REQUIRE(schema.forest_columns().size() == 27);
}
