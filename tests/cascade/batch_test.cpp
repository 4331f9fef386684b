#include <bit>
#include <cmath>
#include <set>
#include <stdexcept>

#include "sluice/base/random.h"
#include "sluice/cascade/bundle_stage.h"
#include "sluice/cascade/engine.h"
#include "support/catch.h"
#include "support/decision_bits.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

using namespace cascade;

enum class Fault { none, throws, not_finite };

/// A row's fault is a property of its first number, so that it is the same alone and in a batch.
Fault fault_of(RowView row, std::uint64_t salt) {
  const std::uint64_t draw = Random(std::bit_cast<std::uint64_t>(row[0]) + salt).below(6);
  return draw == 0 ? Fault::throws : draw == 1 ? Fault::not_finite : Fault::none;
}

/// What both stages do: a row that throws fails its whole batch, a row that is not finite fails alone.
template <class Answer>
void with_faults(RowsView rows, std::uint64_t salt, const Answer& not_finite) {
  for (std::size_t i = 0; i < rows.n_rows; ++i)
    if (fault_of(rows.row(i), salt) == Fault::throws) throw std::runtime_error("down");
  for (std::size_t i = 0; i < rows.n_rows; ++i)
    if (fault_of(rows.row(i), salt) == Fault::not_finite) not_finite(i);
}

struct FaultyForest final : ForestStage {
  std::shared_ptr<const ForestStage> real;
  mutable std::multiset<double> seen;  // the first cell of each row that was scored or tried

  void score(RowsView rows, std::span<PrefixMargins> out) const override {
    for (std::size_t i = 0; i < rows.n_rows; ++i) seen.insert(rows.row(i)[0]);
    real->score(rows, out);
    with_faults(rows, 1, [&](std::size_t i) { out[i].fill(std::nanf("")); });
  }
};

struct FaultyNetwork final : NetworkStage {
  std::shared_ptr<const NetworkStage> real;

  NetworkAnswer score(RowsView rows, std::span<const PrefixMargins> forest, std::span<float> out,
                      Deadline deadline) const override {
    const NetworkAnswer answer = real->score(rows, forest, out, deadline);
    with_faults(rows, 2, [&](std::size_t i) { out[i] = std::nanf(""); });
    return answer;
  }
};

/// If both rules fire, neither decides: a third way to skip the models.
constexpr const char* kPre = R"({"ruleset": "knock-outs", "version": 1, "hit_policy": "unique", "rules": [
  {"id": "A", "when": "amount > 1 USD", "on_missing": "SKIP", "then": {"action": "DECLINE", "reason": "a"}},
  {"id": "B", "when": "ratio > 1", "on_missing": "SKIP", "then": {"action": "REVIEW", "reason": "b"}}]})";

struct Case {
  std::shared_ptr<FaultyForest> forest = std::make_shared<FaultyForest>();
  std::unique_ptr<Engine> engine;
  Table rows;

  Case(const TempDir& dir, const SmallBundleOptions& options, bool has_fallback) {
    auto bundle = std::make_shared<Bundle>(*small_bundle(dir / "b", 3, options));
    bundle->pre = rules::RuleSet::compile(kPre, "pre.json", bundle->schema, rules::Phase::pre).rules;
    REQUIRE(bundle->pre);
    if (!has_fallback) bundle->fallback.reset();
    forest->real = make_bundle_forest(*bundle);
    const auto network = std::make_shared<FaultyNetwork>();
    network->real = make_bundle_stage(*bundle, dnn::Device::cpu);
    const auto never_opens = std::make_shared<Breaker>(BreakerOptions{.failure_rate = 2});
    engine = std::make_unique<Engine>(
        bundle,
        EngineOptions{
            .forest = forest, .network = network, .forest_breaker = never_opens, .network_breaker = never_opens});
    rows = small_rows(bundle->schema, 700, 4);
    for (const std::size_t c : bundle->schema.late_columns())
      for (std::size_t i = 0; i < rows.n_rows(); i += 3) rows.row(i)[c] = std::nan("");
  }
};

}  // namespace

TEST_CASE("rows that rules decide and rows whose stages fail are decided in a batch as they are alone") {
  const bool with_late = GENERATE(false, true), has_fallback = GENERATE(false, true);
  const Band band = GENERATE(Band{0.3, 0.7}, kGainBand);
  const TempDir dir;
  const Case c(dir, {.with_late = with_late, .with_rules = true, .band = band}, has_fallback);
  std::vector<Decision> expected;
  std::set<std::pair<Level, Cause>> outcomes;
  for (std::size_t i = 0; i < c.rows.n_rows(); ++i) {
    expected.push_back(c.engine->decide(c.rows.row(i)));
    outcomes.emplace(expected.back().level, expected.back().cause);
  }
  CAPTURE(with_late, has_fallback);
  REQUIRE(outcomes.contains({Level::L0, Cause::none}));
  REQUIRE(outcomes.contains({Level::L1, Cause::network_failed}));
  REQUIRE(outcomes.contains({Level::L1, Cause::network_not_finite}));
  REQUIRE(outcomes.contains({Level::L1, Cause::late_features_missing}) == with_late);
  REQUIRE(outcomes.contains({Level::L3, Cause::forest_failed}));
  REQUIRE(outcomes.contains({Level::L2, Cause::forest_not_finite}) == has_fallback);
  REQUIRE(outcomes.contains({Level::L3, Cause::rules_undecided}));
  for (const std::size_t n : {1, 2, 63, 64, 65, 255, 256, 257, 700}) {
    std::vector<Decision> batch(n);
    c.engine->decide_batch(c.rows.view().slice(0, n), batch);
    for (std::size_t i = 0; i < n; ++i) {
      CAPTURE(n, i);
      REQUIRE(decision_bits(batch[i]) == decision_bits(expected[i]));
    }
  }
}

TEST_CASE("a batch's forest gets the rows that no rule has decided, and no others") {
  const TempDir dir;
  const Case c(dir, {.with_rules = true}, true);
  std::set<double> open;
  for (std::size_t i = 0; i < c.rows.n_rows(); ++i) {
    const Decision d = c.engine->decide(c.rows.row(i));
    if (!d.took(Stage::pre_rules) && d.cause != Cause::rules_undecided) open.insert(c.rows.row(i)[0]);
  }
  c.forest->seen.clear();
  std::vector<Decision> batch(c.rows.n_rows());
  c.engine->decide_batch(c.rows.view(), batch);
  CHECK(std::set<double>(c.forest->seen.begin(), c.forest->seen.end()) == open);
  CHECK(open.size() > 100);
  CHECK(open.size() < 600);
}

}  // namespace sluice::test
