#include "sluice/backtest/runner.h"

#include <cmath>
#include <map>
#include <stdexcept>

#include "naive_way.h"
#include "sluice/backtest/accumulate.h"
#include "sluice/backtest/report_json.h"
#include "sluice/base/error.h"
#include "sluice/base/metrics.h"
#include "support/catch.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::backtest {
namespace {

using cascade::Action;
using test::history_csv;
using test::history_reader;
using test::run_backtest;
using test::TempDir;

constexpr cascade::Band kPlainBand{0.3, 0.7};

void require_same(const Figures& f, const Naive& naive, double price_of_all = 0) {
  REQUIRE(f.n_rows == naive.actions.size());
  REQUIRE(f.n_scored == naive.p.size());
  REQUIRE(std::abs(f.auc - auc(naive.p, naive.scored_labels)) <= f.auc_bound + 1e-12);
  REQUIRE(f.auc_bound < 1e-3);
  REQUIRE(f.gini == Approx(2 * f.auc - 1));
  REQUIRE(f.log_loss == Approx(log_loss(naive.p, naive.scored_labels)).epsilon(1e-12));
  REQUIRE(f.brier == Approx(brier(naive.p, naive.scored_labels)).epsilon(1e-12));
  REQUIRE(f.calibration_error == Approx(calibration_error(naive.p, naive.scored_labels)).margin(2e-3));
  REQUIRE(f.approve_rate == naive.rate(Action::approve));
  REQUIRE(f.review_rate == naive.rate(Action::review));
  REQUIRE(f.decline_rate == naive.rate(Action::decline));
  REQUIRE(f.cost == Approx(naive.cost(price_of_all)).epsilon(1e-12));
}

Verdict naive_stage(const cascade::Engine& engine, RowView row, bool by_network) {
  cascade::PrefixMargins staged;
  engine.forest_stage().score(RowsView(row), {&staged, 1});
  float margin = staged.back();
  if (by_network) engine.network_stage()->score(RowsView(row), {&staged, 1}, {&margin, 1}, cascade::Deadline::none());
  const auto& calibration = engine.bundle().calibration;
  const double p = (by_network ? calibration.network : calibration.forest).probability(margin);
  return {p, engine.bundle().policy.level0.decide(p)};
}

TEST_CASE("every way's figures equal those of the rows decided one by one") {
  const bool with_rules = GENERATE(false, true), with_late = GENERATE(false, true);
  CAPTURE(with_rules, with_late);
  const TempDir folder;
  const cascade::Engine engine(test::small_bundle(
      folder / "b", 5,
      {.with_late = with_late, .with_rules = with_rules, .band = with_late ? test::kGainBand : kPlainBand}));
  const std::string csv = history_csv(engine.bundle().schema, 1500, 8);
  const Report report = run_backtest(engine, csv, {.costs = kCosts});
  const Rows rows = all_rows(csv, engine.bundle().schema);

  Naive cascade, forest, network;
  std::map<std::pair<Action, Action>, std::pair<std::uint64_t, std::uint64_t>> flips;
  std::uint64_t n_forwarded = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const RowView row = rows.block.rows.row(i);
    const float label = rows.block.labels[i];
    const auto d = engine.decide(row);
    cascade.add(d.p_final, d.action, label);
    const Verdict by_forest = naive_stage(engine, row, false), by_network = naive_stage(engine, row, true);
    forest.add(by_forest.p, by_forest.action, label);
    network.add(by_network.p, by_network.action, label);
    if (!d.network.ran) continue;
    ++n_forwarded;
    auto& flip = flips[{by_forest.action, d.action}];
    ++flip.first;
    flip.second += label > 0.5f;
  }
  const double price = 0.01 + (with_late ? 0.5 : 0);
  require_same(report.way("cascade")->figures, cascade, static_cast<double>(n_forwarded) * price);
  require_same(report.way("forest")->figures, forest);
  require_same(report.way("network")->figures, network, static_cast<double>(rows.size()) * price);
  CHECK((report.way("without_rules") != nullptr) == with_rules);
  CHECK(report.inside.n_forwarded == n_forwarded);
  CHECK(n_forwarded > 100);
  CHECK(report.inside.price == Approx(price));

  REQUIRE(report.inside.flips.size() == flips.size());
  for (const Flip& flip : report.inside.flips) {
    const auto& [n, n_bad] = flips.at({flip.from, flip.to});
    CHECK(flip.n_rows == n);
    CHECK(flip.n_bad == n_bad);
    const double change = static_cast<double>(n_bad) * (kCosts.of(flip.to, true) - kCosts.of(flip.from, true)) +
                          static_cast<double>(n - n_bad) * (kCosts.of(flip.to, false) - kCosts.of(flip.from, false));
    CHECK(flip.cost_change == Approx(change / static_cast<double>(n)));
    CHECK(flip.n_better + flip.n_worse == (flip.from == flip.to ? 0 : n));
  }
}

TEST_CASE("the cascade without rules equals a bundle without rules") {
  const TempDir folder;
  const cascade::Band band = GENERATE(kPlainBand, test::kGainBand);
  const cascade::Engine with(test::small_bundle(folder / "a", 5, {.with_rules = true, .band = band})),
      without(test::small_bundle(folder / "b", 5, {.band = band}));
  const std::string csv = history_csv(with.bundle().schema, 2000, 3);
  const Report a = run_backtest(with, csv, {.costs = kCosts}), b = run_backtest(without, csv, {.costs = kCosts});
  CHECK(a.way("cascade")->figures.cost != b.way("cascade")->figures.cost);
  CHECK(a.way("without_rules")->figures.cost == b.way("cascade")->figures.cost);
  CHECK(a.way("without_rules")->figures.auc == b.way("cascade")->figures.auc);
  const auto cost = [&](const char* way) { return b.way(way)->figures.cost; };
  if (cost("forest") > cost("network"))
    CHECK(b.gap_recovered == Approx((cost("forest") - cost("cascade")) / (cost("forest") - cost("network"))));
  else
    CHECK(std::isnan(b.gap_recovered));
  CHECK((a.gap_recovered == b.gap_recovered || (std::isnan(a.gap_recovered) && std::isnan(b.gap_recovered))));
}

TEST_CASE("the report has the same bytes for any block size and number of threads") {
  const TempDir folder;
  const cascade::Engine engine(test::small_bundle(folder / "b", 7, {.with_rules = true})),
      challenger(test::small_bundle(folder / "c", 8));
  const std::string csv = history_csv(engine.bundle().schema, 10'900, 5);
  std::string first;
  const std::pair<std::size_t, std::size_t> settings[] = {{10'000, 1}, {1, 1}, {7, 2}, {300, 5}, {50'000, 3}};
  for (const auto& [block_rows, n_threads] : settings) {
    const BacktestOptions options{.time_column = "seen_at",
                                  .by = Period::week,
                                  .slice_columns = {"region", "amount", "country"},
                                  .levels = true,
                                  .block_rows = block_rows};
    ThreadPool pool(n_threads);
    const auto reader = history_reader(csv, engine.bundle().schema, options),
               second = history_reader(csv, challenger.bundle().schema, options);
    const Challenger other{challenger, *second};
    const std::string json = report_json(run(engine, *reader, options, pool, {}, &other));
    if (first.empty()) first = json;
    CAPTURE(block_rows, n_threads);
    REQUIRE(json == first);
  }
}

TEST_CASE("slices add up to the whole, and each equals a backtest of its rows") {
  const TempDir folder;
  const cascade::Engine engine(test::small_bundle(folder / "b", 9));
  const std::string csv = history_csv(engine.bundle().schema, 3000, 6);
  const Report report = run_backtest(
      engine, csv,
      {.costs = kCosts, .time_column = "seen_at", .by = Period::month, .slice_columns = {"region", "amount"}});
  REQUIRE(report.slice_tables.size() == 3);
  CHECK(report.slice_tables[0].slices.front().name == "2023-11");  // 1.7e9 s is 2023-11-14
  CHECK(report.slice_tables[2].kind == "number");
  CHECK(report.slice_tables[2].slices.size() == 6);  // five intervals and (missing)
  for (const SliceTable& table : report.slice_tables) {
    double rows = 0, cost = 0;
    for (const SliceReport& slice : table.slices)
      rows += static_cast<double>(slice.n_rows), cost += slice.cost * static_cast<double>(slice.n_rows);
    CHECK(rows == 3000);
    CHECK(cost / rows == Approx(report.ways.front().figures.cost));
    CHECK(table.slices.front().name == table.reference);
    CHECK(table.slices.front().psi == 0);
  }
  std::string part = csv.substr(0, csv.find('\n') + 1);
  for (std::size_t at = part.size(); at < csv.size();) {
    const std::size_t end = csv.find('\n', at) + 1;
    if (csv.substr(at, end - at).find("<r1>") != std::string::npos) part += csv.substr(at, end - at);
    at = end;
  }
  const Report alone = run_backtest(engine, part, {.costs = kCosts});
  for (const SliceReport& slice : report.slice_tables[1].slices) {
    if (slice.name != "<r1>") continue;
    CHECK(slice.n_rows == alone.n_rows);
    CHECK(slice.cost == Approx(alone.ways.front().figures.cost));
    CHECK(slice.forward_rate == Approx(alone.inside.forward_rate));
    CHECK(std::abs(slice.auc - alone.ways.front().figures.auc) <=
          slice.auc_bound + alone.ways.front().figures.auc_bound);
  }
}

TEST_CASE("the swap set equals that of two engines, row by row") {
  const TempDir folder;
  const cascade::Engine engine(test::small_bundle(folder / "b", 10)),
      other(test::small_bundle(folder / "c", 11, {.with_late = false}));
  const std::string csv = history_csv(engine.bundle().schema, 1200, 7);
  const BacktestOptions options{.costs = kCosts};
  ThreadPool pool(1);
  const auto reader = history_reader(csv, engine.bundle().schema, options),
             second = history_reader(csv, other.bundle().schema, options);
  const Challenger challenger{other, *second};
  const Report report = run(engine, *reader, options, pool, {}, &challenger);
  std::uint64_t n[2][2] = {}, bad[2][2] = {};
  const Rows rows = all_rows(csv, engine.bundle().schema);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool here = engine.decide(rows.block.rows.row(i)).action == Action::approve,
               there = other.decide(rows.block.rows.row(i)).action == Action::approve;
    ++n[here][there];
    bad[here][there] += rows.block.labels[i] > 0.5f;
  }
  REQUIRE(report.challenger);
  const ChallengerReport& c = *report.challenger;
  CHECK(c.both.n_rows == n[1][1]);
  CHECK(c.swapped_in.n_rows == n[0][1]);
  CHECK(c.swapped_out.n_rows == n[1][0]);
  CHECK(c.neither.n_rows == n[0][0]);
  CHECK(c.swapped_in.n_rows > 0);
  CHECK(c.swapped_in.bad_rate == Approx(static_cast<double>(bad[0][1]) / static_cast<double>(n[0][1])));
  CHECK(c.cost_difference ==
        Approx(run_backtest(other, csv, options).ways.front().figures.cost - report.ways.front().figures.cost));
}

TEST_CASE("costs are those given, else the bundle's, else from the bad rate") {
  CHECK(cascade::Costs::for_bad_rate(0.2).false_negative == Approx(4));
  CHECK(*cascade::Costs::for_bad_rate(0.2).review == Approx(0.75 * 4 / 5.0));
  CHECK(cascade::Costs::for_bad_rate(0).false_negative == 1);
  const TempDir folder;
  auto bundle = std::make_shared<cascade::Bundle>(*test::small_bundle(folder / "b", 12));
  const std::string csv = history_csv(bundle->schema, 300, 7);
  const Report by_default = run_backtest(cascade::Engine(bundle), csv, {});
  CHECK(by_default.costs_from == "default");
  CHECK(by_default.costs.false_negative ==
        Approx(static_cast<double>(by_default.n_rows - by_default.n_bad) / static_cast<double>(by_default.n_bad)));
  bundle->train_report = R"({"costs": {"false_positive": 2, "false_negative": 30}})";
  const Report trained = run_backtest(cascade::Engine(bundle), csv, {});
  CHECK(trained.costs_from == "bundle");
  CHECK(trained.costs.false_negative == 30);
  CHECK(run_backtest(cascade::Engine(bundle), csv, {.costs = kCosts}).costs_from == "given");
}

TEST_CASE("a report with one class and no network lacks their figures, and no rows are an error") {
  const TempDir folder;
  const cascade::Engine engine(test::small_bundle(folder / "b", 13, {.with_network = false}));
  const Schema& schema = engine.bundle().schema;
  const Report report = run_backtest(engine, history_csv(schema, 200, 1, true), {.slice_columns = {"region"}});
  CHECK(std::isnan(report.ways.front().figures.auc));
  CHECK(report.ways.front().figures.bad_rate_approved == 0);
  CHECK(report.way("network") == nullptr);
  CHECK(std::isnan(report.gap_recovered));
  CHECK(report.n_by_level[1] > 0);  // inside the band there is no network
  CHECK_THROWS_WITH(run_backtest(engine, history_csv(schema, 0, 1), {}), Catch::Contains("backtest.no_rows"));
}

TEST_CASE("a reader with other columns or rows is refused, and a stop request is obeyed") {
  const TempDir folder;
  const cascade::Engine engine(test::small_bundle(folder / "b", 14));
  const Schema& schema = engine.bundle().schema;
  const std::string csv = history_csv(schema, 50, 1);
  ThreadPool pool(1);
  const BacktestOptions sliced{.slice_columns = {"region"}};
  CHECK_THROWS_WITH(run(engine, *history_reader(csv, schema, {}), sliced, pool), Catch::Contains("backtest.columns"));
  io::RowReader unlabelled(io::open_record_bytes(csv, "history.csv"), schema, {});
  CHECK_THROWS_WITH(run(engine, unlabelled, {}, pool), Catch::Contains("backtest.no_labels"));
  const auto second = history_reader(history_csv(schema, 51, 1), schema, {});
  const Challenger longer{engine, *second};
  CHECK_THROWS_WITH(run(engine, *history_reader(csv, schema, {}), {}, pool, {}, &longer),
                    Catch::Contains("backtest.challenger"));
  const auto relabelled = history_reader(history_csv(schema, 50, 1, true), schema, {});
  const Challenger other_labels{engine, *relabelled};
  CHECK_THROWS_WITH(run(engine, *history_reader(csv, schema, {}), {}, pool, {}, &other_labels),
                    Catch::Contains("backtest.challenger"));
  CHECK_THROWS_WITH(run(engine, *history_reader(csv, schema, {}), {}, pool, [](auto...) { return false; }),
                    Catch::Contains("interrupted"));
}

TEST_CASE("an invalid time is reported with its row, counted over all blocks") {
  const TempDir folder;
  const cascade::Engine engine(test::small_bundle(folder / "b", 15, {.with_network = false}));
  std::string csv = history_csv(engine.bundle().schema, 10'200, 1);
  std::size_t at = 0;
  for (int line = 0; line <= 10'150; ++line) at = csv.find('\n', at) + 1;
  const std::size_t time = csv.rfind(",20", csv.find('\n', at));
  csv.replace(time + 1, 20, "yesterday");
  CHECK_THROWS_WITH(run_backtest(engine, csv, {.time_column = "seen_at", .block_rows = 100}),
                    Catch::Contains("row 10150") && Catch::Contains("yesterday"));
}

}  // namespace
}  // namespace sluice::backtest
