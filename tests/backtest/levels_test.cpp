#include <stdexcept>

#include "naive_way.h"
#include "sluice/base/metrics.h"
#include "support/catch.h"
#include "support/imported_bundle.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::backtest {
namespace {

using test::history_csv;
using test::run_backtest;
using test::TempDir;

class ThrowingForest : public cascade::ForestStage {
  void score(RowsView, std::span<cascade::PrefixMargins>) const override { throw std::runtime_error("down"); }
};
class ThrowingNetwork : public cascade::NetworkStage {
  cascade::NetworkAnswer score(RowsView, std::span<const cascade::PrefixMargins>, std::span<float>,
                               cascade::Deadline) const override {
    throw std::runtime_error("down");
  }
};

TEST_CASE("levels equal the engine's decisions with stages that throw") {
  const TempDir folder;
  const auto bundle = test::small_bundle(folder / "b", 6, {.with_rules = true});
  const cascade::Engine engine(bundle);
  const std::string csv = history_csv(bundle->schema, 800, 4);
  const Report report = run_backtest(engine, csv, {.costs = kCosts, .levels = true});
  auto unruled = std::make_shared<cascade::Bundle>(*bundle);
  unruled->fallback.reset();
  const cascade::Engine l1(bundle, {.network = std::make_shared<ThrowingNetwork>()}),
      l2(bundle, {.forest = std::make_shared<ThrowingForest>()}),
      l3(unruled, {.forest = std::make_shared<ThrowingForest>()});
  const Rows rows = all_rows(csv, bundle->schema);
  REQUIRE(report.levels.size() == 3);
  const cascade::Engine* engines[] = {&l1, &l2, &l3};
  for (std::size_t level = 0; level < 3; ++level) {
    Naive naive;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto d = engines[level]->decide(rows.block.rows.row(i));
      naive.add(d.p_final, d.action, rows.block.labels[i]);
    }
    const Figures& f = report.levels[level].figures;
    CAPTURE(level);
    CHECK(f.cost == Approx(naive.cost()));
    CHECK(f.approve_rate == naive.rate(Action::approve));
    CHECK(f.review_rate == naive.rate(Action::review));
    CHECK(f.n_scored == naive.p.size());
  }
}

TEST_CASE("level L1 of a bundle with an imported network is decided without the network") {
  const TempDir folder;
  cascade::write_bundle(folder / "b",
                        test::imported_files({.n_forests = 1, .n_trees = 4, .band = cascade::Band{0, 1, true}}), {});
  const auto bundle = std::make_shared<cascade::Bundle>(cascade::Bundle::load(folder / "b", {SLUICE_TEST_PLUGINS}));
  REQUIRE(bundle->imported != nullptr);
  const cascade::Engine engine(bundle), l1(bundle, {.network = std::make_shared<ThrowingNetwork>()});
  const std::string csv = history_csv(bundle->schema, 300, 4);
  const Report report = run_backtest(engine, csv, {.costs = kCosts, .levels = true});
  const Rows rows = all_rows(csv, bundle->schema);
  Naive normal, without;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto d = engine.decide(rows.block.rows.row(i)), e = l1.decide(rows.block.rows.row(i));
    normal.add(d.p_final, d.action, rows.block.labels[i]);
    without.add(e.p_final, e.action, rows.block.labels[i]);
  }
  REQUIRE(normal.p != without.p);
  REQUIRE(report.levels.size() == 3);
  CHECK(report.levels[0].figures.log_loss == Approx(log_loss(without.p, without.scored_labels)).epsilon(1e-12));
}

}  // namespace
}  // namespace sluice::backtest
