// The impact of a policy change, compared with plain loops over the same rows.
#include "sluice/backtest/impact.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "sluice/base/error.h"
#include "sluice/cascade/engine.h"
#include "support/catch.h"
#include "support/code_of.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {

using namespace backtest;
using cascade::Action;
using cascade::Decision;

namespace {

constexpr std::size_t kRows = 3000;

/// The same rows under two policies; some have a known outcome.
struct TwoPolicies {
  TempDir dir;
  std::shared_ptr<const cascade::Bundle> before = small_bundle(dir / "b", 1, {.with_late = true, .with_rules = true});
  std::shared_ptr<cascade::Bundle> after = std::make_shared<cascade::Bundle>(*before);
  Table rows = small_rows(before->schema, kRows, 4);
  std::vector<Decision> then, now;

  TwoPolicies() : then(kRows), now(kRows) {
    after->policy.version = 8;
    after->policy.band = cascade::Band{0.2, 0.6};
    after->policy.level0 = {0.3, 0.55, Action::review};
    cascade::Engine(before).decide_batch(rows.view(), then);
    cascade::Engine(after).decide_batch(rows.view(), now);
  }

  static std::optional<bool> is_bad(std::size_t i) { return i % 3 == 0 ? std::optional(i % 7 == 0) : std::nullopt; }
  ImpactReport report(const ImpactOptions& options, bool has_late = true) const {
    ImpactTally tally(*before, *after, options);
    for (std::size_t i = 0; i < kRows; ++i) {
      const std::string id = "r" + std::to_string(i);
      tally.add({.row = i,
                 .id = id,
                 .inputs = rows.row(i),
                 .before = then[i],
                 .after = now[i],
                 .is_bad = is_bad(i),
                 .has_late = has_late});
    }
    return tally.report();
  }

  double p(std::size_t i) const {
    const Decision &a = then[i], &b = now[i];
    if (a.network.ran) return a.p_final;
    if (b.network.ran) return b.p_final;
    return std::isnan(a.p_final) ? b.p_final : a.p_final;
  }
  /// The cost of an action for row i; NaN if the row has neither an outcome nor a probability.
  double cost(const cascade::Costs& costs, Action action, std::size_t i) const {
    if (const auto bad = is_bad(i)) return costs.of(action, *bad);
    return p(i) * costs.of(action, true) + (1 - p(i)) * costs.of(action, false);
  }
};

const cascade::Costs kCosts{.false_positive = 3, .false_negative = 40, .review = 2, .network_call = 0.25};

}  // namespace

TEST_CASE("swap matrix, levels, shares and costs equal those of a plain loop") {
  const TwoPolicies two;
  const auto report = two.report({.costs = kCosts});
  std::uint64_t cells[4][4] = {}, levels[4][4] = {}, n_changed = 0, n_labelled = 0, n_expected = 0, n_unpriced = 0,
                approved = 0, forwarded_before = 0, forwarded_after = 0;
  double cost_before = 0, cost_after = 0;
  for (std::size_t i = 0; i < kRows; ++i) {
    const Decision &a = two.then[i], &b = two.now[i];
    ++cells[static_cast<int>(a.action)][static_cast<int>(b.action)];
    ++levels[static_cast<int>(a.level)][static_cast<int>(b.level)];
    n_changed += a.action != b.action;
    approved += b.action == Action::approve;
    forwarded_before += a.network.ran;
    forwarded_after += b.network.ran;
    const double was = two.cost(kCosts, a.action, i), is = two.cost(kCosts, b.action, i);
    ++(two.is_bad(i) ? n_labelled : std::isnan(was) ? n_unpriced : n_expected);
    if (std::isnan(was)) continue;
    cost_before += was;
    cost_after += is;
  }
  const double price = 0.25 + 0.5;  // the call and the late column with a price in the small schema
  REQUIRE(n_changed > 100);
  REQUIRE(n_unpriced > 0);
  CHECK(report.n_rows == kRows);
  CHECK(report.n_changed == n_changed);
  for (int from = 0; from < 4; ++from)
    for (int to = 0; to < 4; ++to) {
      CHECK(report.actions[from][to].n_rows == cells[from][to]);
      CHECK(report.levels[from][to] == levels[from][to]);
    }
  CHECK(report.n_labelled == n_labelled);
  CHECK(report.n_expected == n_expected);
  CHECK(report.n_unpriced == n_unpriced);
  CHECK(report.price == price);
  CHECK(report.before.n_forwarded == forwarded_before);
  CHECK(report.after.n_forwarded == forwarded_after);
  CHECK(report.before.cost == Approx(cost_before + price * double(forwarded_before)).epsilon(1e-12));
  CHECK(report.after.cost == Approx(cost_after + price * double(forwarded_after)).epsilon(1e-12));
  CHECK(report.after.approve_rate == double(approved) / kRows);
  CHECK(report.before.policy_version == 7);
  CHECK(report.after.policy_version == 8);
  CHECK(report.n_without_late == 0);
}

TEST_CASE("segments equal those of a plain loop, and protected columns are included with their impact ratios") {
  const TwoPolicies two;
  const auto report = two.report({.costs = kCosts, .by = {"country", "amount"}});
  REQUIRE(report.tables.size() == 3);
  const Schema& schema = two.before->schema;
  for (const auto& table : report.tables) {
    const std::size_t column = schema.index_of(table.column);
    std::uint64_t n_rows = 0, n_changed = 0;
    for (const auto& segment : table.segments) n_rows += segment.n_rows, n_changed += segment.n_changed;
    CHECK(n_rows == kRows);
    CHECK(n_changed == report.n_changed);
    if (table.column == "amount") {
      CHECK(table.kind == "number");
      CHECK(table.segments.size() == 6);  // five intervals and (missing)
      continue;
    }
    double most = 0;
    for (const auto& segment : table.segments) {
      std::uint64_t n = 0, approved = 0;
      double change = 0;
      for (std::size_t i = 0; i < kRows; ++i) {
        const std::string text = schema.format_cell(column, two.rows.row(i)[column]);
        if ((text.empty() ? "(missing)" : text) != segment.name) continue;
        ++n;
        approved += two.now[i].action == Action::approve;
        const double cost = two.cost(kCosts, two.now[i].action, i) - two.cost(kCosts, two.then[i].action, i);
        if (!std::isnan(cost)) change += cost;
      }
      CAPTURE(table.column, segment.name);
      CHECK(segment.n_rows == n);
      CHECK(segment.approve_after == double(approved) / double(n));
      CHECK(segment.cost_change == Approx(change).epsilon(1e-9));
      most = std::max(most, segment.approve_after);
    }
    CHECK(table.is_protected == (table.column == "sex"));
    for (const auto& segment : table.segments)
      CHECK((table.is_protected ? segment.impact_after == segment.approve_after / most
                                : std::isnan(segment.impact_after)));
  }
}

TEST_CASE("the largest changes are the first of all changes, sorted") {
  const TwoPolicies two;
  for (const auto& costs : {std::optional<cascade::Costs>(kCosts), std::optional<cascade::Costs>()}) {
    const auto report = two.report({.costs = costs, .max_listed = 15});
    std::vector<std::pair<double, std::size_t>> all;
    for (std::size_t i = 0; i < kRows; ++i) {
      if (two.then[i].action == two.now[i].action) continue;
      const double change =
          std::abs(two.cost(report.costs, two.now[i].action, i) - two.cost(report.costs, two.then[i].action, i));
      all.emplace_back(std::isnan(change) ? 0 : -change, i);
    }
    std::sort(all.begin(), all.end());
    REQUIRE(report.largest.size() == 15);
    for (std::size_t k = 0; k < 15; ++k) {
      CHECK(report.largest[k].row == all[k].second);
      CHECK(report.largest[k].id == "r" + std::to_string(all[k].second));
      CHECK(std::abs(report.largest[k].cost_change) == Approx(-all[k].first).epsilon(1e-12));
    }
  }
}

TEST_CASE("newly forwarded rows of a log that lacks their late columns are counted") {
  const TwoPolicies two;
  std::uint64_t wanted = 0;
  for (std::size_t i = 0; i < kRows; ++i) wanted += two.now[i].network.ran && !two.then[i].network.ran;
  REQUIRE(wanted > 0);
  CHECK(two.report({}, false).n_without_late == wanted);
}

TEST_CASE("default costs come from the known or expected bad rate, and equal policies change nothing") {
  TwoPolicies two;
  double bad = 0, known = 0;
  for (std::size_t i = 0; i < kRows; ++i) {
    const double p = two.is_bad(i) ? double(*two.is_bad(i)) : two.p(i);
    if (std::isnan(p)) continue;
    bad += p;
    ++known;
  }
  const auto report = two.report({});
  CHECK(report.costs_from == "default");
  CHECK(report.costs.false_negative == Approx(cascade::Costs::for_bad_rate(bad / known).false_negative));
  *two.after = *two.before;
  two.now = two.then;
  const auto same = two.report({.costs = kCosts});
  CHECK(same.differences.empty());
  CHECK(same.n_changed == 0);
  CHECK(same.largest.empty());
  CHECK(same.before.cost == same.after.cost);
  CHECK(code_of([&] { ImpactTally(*two.before, *two.after).report(); }) == "impact.no_rows");
  CHECK(code_of([&] { ImpactTally(*two.before, *two.after, {.by = {"amuont"}}); }) == "schema.unknown_column");
}

TEST_CASE("policies are compared field by field") {
  const TwoPolicies two;
  std::map<std::string, std::pair<std::string, std::string>> found;
  for (const auto& d : differences(two.before->policy, two.after->policy)) found[d.pointer] = {d.before, d.after};
  const std::map<std::string, std::pair<std::string, std::string>> wanted = {
      {"/policy_version", {"7", "8"}},
      {"/band/low", {"0.3", "0.2"}},
      {"/band/high", {"0.7", "0.6"}},
      {"/levels/L0/approve_below", {"0.4", "0.3"}},
      {"/levels/L0/decline_from", {"0.6", "0.55"}}};
  CHECK(found == wanted);
  auto without = two.before->policy;
  without.band.reset();
  const auto gone = differences(two.before->policy, without);
  REQUIRE(gone.size() == 3);
  CHECK(gone[0].pointer == "/band");
  CHECK(gone[0].before.empty());
  CHECK(gone[0].after == "null");
  CHECK(gone[1].before == "0.7");
  CHECK(gone[1].after.empty());
}

TEST_CASE("the page is static and escapes its input, and the JSON has the report's figures") {
  const TwoPolicies two;
  auto report = two.report({.costs = kCosts, .by = {"country"}});
  report.data = "<script>";
  report.log = {.log = "ab", .root = "cd", .n_entries = 3000, .n_covered = 3000, .n_different = 2};
  const std::string html = impact_html(report);
  CHECK(html.find("<script") == std::string::npos);
  CHECK(html.find("http") == std::string::npos);
  CHECK_THAT(html, Catch::Contains("&lt;script&gt;") && Catch::Contains("NOT reproduced") &&
                       Catch::Contains("impact ratio before") && Catch::EndsWith("</html>\n"));
  const auto json = nlohmann::json::parse(impact_json(report));
  CHECK(json["changed"] == report.n_changed);
  CHECK(json["before"]["cost"] == report.before.cost);
  CHECK(json["log"]["different"] == 2);
  std::uint64_t n = 0;
  for (const auto& cell : json["actions"]) n += cell["rows"].get<std::uint64_t>();
  CHECK(n == kRows);
  CHECK(json["segments"].size() == 2);
}

}  // namespace sluice::test
