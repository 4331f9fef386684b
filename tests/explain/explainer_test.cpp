#include "sluice/explain/explainer.h"

#include <bit>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <thread>

#include "sluice/base/error.h"
#include "sluice/base/number.h"
#include "support/catch.h"
#include "support/code_of.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

using namespace sluice;
using namespace sluice::explain;
using namespace sluice::test;
using cascade::Engine;

namespace {

constexpr std::uint64_t kSeed = 31;
const cascade::Band kEverything{0, 1, true};

double total(const Attribution& a) { return std::accumulate(a.phi.begin(), a.phi.end(), a.base); }

/// The first row of a small random table for whose decision `wanted` returns true.
template <class Wanted>
std::vector<double> find_row(const Engine& engine, const Wanted& wanted) {
  const Table rows = small_rows(engine.bundle().schema, 500, kSeed);
  for (std::size_t i = 0; i < rows.n_rows(); ++i)
    if (wanted(engine.decide(rows.row(i)))) return {rows.row(i).begin(), rows.row(i).end()};
  throw std::logic_error("no such row");
}
bool by_network(const cascade::Decision& d) { return d.network.ran; }
bool by_forest(const cascade::Decision& d) { return d.forest.ran && !d.network.ran; }

/// Shapley values over all coalitions of `players`, computed from whole decisions of `engine`.
template <class Value>
std::vector<double> by_decisions(const Engine& engine, RowView row, const Table& references,
                                 std::span<const std::size_t> players, const Value& value_of) {
  const std::size_t n = players.size();
  std::vector<double> value(std::size_t{1} << n), phi(row.size());
  for (std::size_t coalition = 0; coalition < value.size(); ++coalition)
    for (std::size_t r = 0; r < references.n_rows(); ++r) {
      std::vector<double> mixed(row.begin(), row.end());
      for (std::size_t i = 0; i < n; ++i)
        if (((coalition >> i) & 1u) == 0) mixed[players[i]] = references.row(r)[players[i]];
      value[coalition] += value_of(engine.decide(mixed)) / static_cast<double>(references.n_rows());
    }
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t coalition = 0; coalition < value.size(); ++coalition) {
      if ((coalition >> i) & 1u) continue;
      const double size = std::popcount(coalition), count = static_cast<double>(n);
      const double weight = std::exp(std::lgamma(size + 1) + std::lgamma(count - size) - std::lgamma(count + 1));
      phi[players[i]] += weight * (value[coalition | (std::size_t{1} << i)] - value[coalition]);
    }
  return phi;
}

class ShiftedForest final : public cascade::ForestStage {
 public:
  ShiftedForest(const cascade::Bundle& bundle, float shift)
      : inner_(cascade::make_forest_stage(bundle.forests, bundle.schema)), shift_(shift) {}
  void score(RowsView rows, std::span<cascade::PrefixMargins> out) const override {
    if (!std::isfinite(shift_)) throw std::runtime_error("broken");
    inner_->score(rows, out);
    for (auto& margins : out.first(rows.n_rows)) margins.back() += shift_;
  }

 private:
  std::unique_ptr<cascade::ForestStage> inner_;
  float shift_;
};

/// Returns different margins at every call.
class DriftingNetwork final : public cascade::NetworkStage {
 public:
  explicit DriftingNetwork(const cascade::Bundle& bundle)
      : inner_(cascade::make_network_stage(bundle.network, dnn::Device::cpu)) {}
  cascade::NetworkAnswer score(RowsView rows, std::span<const cascade::PrefixMargins> forest, std::span<float> out,
                               cascade::Deadline) const override {
    const auto answer = inner_->score(rows, forest, out, cascade::Deadline::none());
    drift_ += 0.01f;
    for (std::size_t i = 0; i < rows.n_rows; ++i) out[i] += drift_;
    return answer;
  }

 private:
  std::unique_ptr<cascade::NetworkStage> inner_;
  mutable float drift_ = 0;
};

}  // namespace

TEST_CASE("a decision of the forest is explained by the mean of its trees' exact Shapley values") {
  const TempDir dir;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const SmallBundleOptions options{.n_forests = 1 + seed % 3, .with_network = seed % 2 == 0};
    const auto bundle = small_bundle(dir / std::to_string(seed), seed, options);
    const Engine engine(bundle);
    const Explainer explainer(engine);
    const auto columns = bundle->schema.forest_columns();
    const Table rows = small_rows(bundle->schema, 20, seed);
    for (std::size_t i = 0; i < rows.n_rows(); ++i) {
      const Explanation e = explainer.explain(rows.row(i));
      if (e.decision.network.ran) continue;
      std::vector<float> inputs;
      for (const std::size_t c : columns) inputs.push_back(static_cast<float>(rows.row(i)[c]));
      std::vector<double> expected(columns.size() + 1);
      for (std::size_t k = 0; k < options.n_forests; ++k) {
        const auto one = oracle::shapley(small_forest(bundle->schema, mix64(seed) + k, options), inputs);
        for (std::size_t f = 0; f < expected.size(); ++f)
          expected[f] += one[f] / static_cast<double>(options.n_forests);
      }
      CAPTURE(seed, i);
      REQUIRE(e.attribution);
      REQUIRE(e.attribution->method == Method::tree);
      for (std::size_t f = 0; f < columns.size(); ++f)
        REQUIRE(std::abs(e.attribution->phi[columns[f]] - expected[f]) <= 1e-9);
      REQUIRE(std::abs(e.attribution->base - expected.back()) <= 1e-9);
      REQUIRE(std::abs(total(*e.attribution) - static_cast<double>(e.decision.forest.margin)) <= 1e-5);
    }
  }
}

TEST_CASE("for the network, exact equals values from whole decisions, and permutation is within 6 standard errors") {
  const TempDir dir;
  const cascade::Band band = GENERATE(cascade::Band{0.3, 0.7}, kGainBand);
  const auto bundle = small_bundle(dir / "banded", kSeed, {.n_background = 6, .band = band});
  const Engine engine(bundle), always(small_bundle(dir / "always", kSeed, {.n_background = 6, .band = kEverything}));
  const Table background = small_rows(bundle->schema, 6, kSeed + 12);  // as small_bundle_files writes approved_network
  const Table rows = small_rows(bundle->schema, 60, kSeed + 1);
  int n_explained = 0;
  for (std::size_t i = 0; i < rows.n_rows() && n_explained < 8; ++i) {
    if (!engine.decide(rows.row(i)).network.ran) continue;
    ++n_explained;
    CAPTURE(i);
    const auto expected = by_decisions(always, rows.row(i), background, bundle->schema.network_columns(),
                                       [](const auto& d) { return static_cast<double>(d.network.margin); });
    const Attribution exact = *Explainer(engine, {.method = Method::exact}).explain(rows.row(i)).attribution;
    const Attribution sampled = *Explainer(engine).explain(rows.row(i)).attribution;
    REQUIRE(sampled.method == Method::permutation);
    REQUIRE(sampled.background.name == "approved_network");
    REQUIRE(sampled.n_permutations >= 4);
    for (std::size_t c = 0; c < expected.size(); ++c) {
      REQUIRE(std::abs(exact.phi[c] - expected[c]) <= 1e-9);
      REQUIRE(std::abs(sampled.phi[c] - expected[c]) <= 6 * sampled.standard_error[c] + 1e-6);
    }
    for (const Attribution& a : {exact, sampled}) {
      REQUIRE(a.output == static_cast<double>(engine.decide(rows.row(i)).network.margin));
      REQUIRE(std::abs(total(a) - a.output) <= 1e-10);
      REQUIRE(a.off_route_fraction > 0);
      REQUIRE(a.off_route_fraction < 1);
    }
  }
  REQUIRE(n_explained == 8);
}

TEST_CASE("the system game explains the output of the whole system, including routing") {
  const TempDir dir;
  const cascade::Band band = GENERATE(cascade::Band{0.3, 0.7}, kGainBand);
  const auto bundle = small_bundle(dir / "b", kSeed, {.n_background = 5, .with_late = true, .band = band});
  const Engine engine(bundle);
  const auto& calibration = bundle->calibration;
  const auto value = [&](const cascade::Decision& d) { return logit(d.p_final); };
  const Table background = small_rows(bundle->schema, 5, kSeed + 10);
  const Explainer explainer(engine, {.game = Game::system, .method = Method::exact});
  for (const auto& row : {find_row(engine, by_network), find_row(engine, by_forest)}) {
    const Explanation e = explainer.explain(row);
    const auto expected = by_decisions(engine, row, background, bundle->schema.network_columns(), value);
    CHECK(e.attribution->background.name == "population");
    for (std::size_t c = 0; c < expected.size(); ++c) CHECK(std::abs(e.attribution->phi[c] - expected[c]) <= 1e-9);
    CHECK(e.attribution->output == Approx(logit(e.decision.p_final)));
  }
  CHECK(calibration.forest.slope != calibration.network.slope);  // otherwise the test could not distinguish the scales
}

TEST_CASE("the stage margin is the forest's, whichever stage served") {
  const TempDir dir;
  const Engine engine(small_bundle(dir / "b", kSeed));
  const auto row = find_row(engine, by_network);
  const Explanation e = Explainer(engine, {.game = Game::stage_margin}).explain(row);
  CHECK(e.decision.network.ran);
  CHECK(e.attribution->method == Method::tree);
  CHECK(e.attribution->output == static_cast<double>(e.decision.forest.margin));
  // The same margin can also be explained against a background, with a different result.
  const Explanation sampled =
      Explainer(engine, {.game = Game::stage_margin, .method = Method::permutation}).explain(row);
  CHECK(sampled.attribution->background.name == "approved_forest");
  CHECK(std::abs(total(*sampled.attribution) - sampled.attribution->output) <= 1e-9);
  CHECK(std::isnan(sampled.attribution->off_route_fraction));
}

TEST_CASE("the smallest step across the band's edge changes the route that is explained") {
  const TempDir dir;
  const auto plain = small_bundle(dir / "plain", kSeed);
  const Engine engine(plain);
  const auto row = find_row(engine, by_network);
  const double p = engine.decide(row).forest.p;
  for (const bool inside : {true, false}) {
    auto moved = std::make_shared<cascade::Bundle>(*plain);
    moved->policy.band = cascade::Band{inside ? p : std::nextafter(p, 2.0), 1, true};
    const Engine at_edge(moved);
    const Attribution a = *Explainer(at_edge).explain(row).attribution;
    CHECK(a.method == (inside ? Method::permutation : Method::tree));
    for (const double phi : a.phi) CHECK(std::isfinite(phi));
    CHECK(std::abs(total(a) - a.output) <= 1e-5);
    const Attribution system = *Explainer(at_edge, {.game = Game::system}).explain(row).attribution;
    CHECK(std::abs(total(system) - system.output) <= 1e-9);
  }
}

TEST_CASE("identical rows get identical attributions, on any thread and in any order") {
  const TempDir dir;
  const Engine engine(small_bundle(dir / "b", kSeed, {.with_late = true}));
  const Explainer explainer(engine), other(engine);
  const Table rows = small_rows(engine.bundle().schema, 16, 5);
  std::vector<std::vector<double>> expected, found(rows.n_rows());
  for (std::size_t i = 0; i < rows.n_rows(); ++i) expected.push_back(other.explain(rows.row(i)).attribution->phi);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = rows.n_rows(); i-- > 0;)
        if (i % 4 == t) found[i] = explainer.explain(rows.row(i)).attribution->phi;
    });
  for (auto& thread : threads) thread.join();
  CHECK(found == expected);
}

TEST_CASE("late columns are explained with their fetched values, and get 0 if fetching failed") {
  struct Provider final : cascade::FeatureProvider {
    Result result = Result::ok;
    Result fetch(RowView, std::span<double> late, cascade::Deadline) const override {
      late[0] = 1.25;
      late[1] = 1;
      return result;
    }
  };
  const TempDir dir;
  const Engine engine(small_bundle(dir / "b", kSeed, {.with_late = true}));
  const auto late = engine.bundle().schema.late_columns();
  auto row = find_row(engine, by_network);
  for (const std::size_t c : late) row[c] = std::nan("");
  Provider provider;
  const Explainer explainer(engine);
  const auto fetched = engine.decide(row, cascade::Deadline::none(), &provider);
  REQUIRE(fetched.network.ran);
  const Explanation e = explainer.explain(row, fetched);
  CHECK(e.row[late[0]] == 1.25);
  CHECK(e.attribution->phi[late[0]] != 0);

  provider.result = cascade::FeatureProvider::Result::failed;
  const auto failed = engine.decide(row, cascade::Deadline::none(), &provider);
  const Explanation alone = explainer.explain(row, failed);
  CHECK(alone.decision.level == cascade::Level::L1);
  CHECK(alone.attribution->method == Method::tree);
  CHECK(alone.attribution->phi[late[0]] == 0);
}

TEST_CASE("decisions of rules and of the safe default have no attribution, only rule traces") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "b", kSeed, {.with_rules = true});
  const std::size_t amount = bundle->schema.index_of("amount");
  const Engine engine(bundle);
  auto row = find_row(engine, by_forest);
  row[amount] = 5;
  const Explanation ruled = Explainer(engine).explain(row);
  CHECK(ruled.decision.action == rules::Action::decline);
  CHECK_FALSE(ruled.attribution);
  CHECK(ruled.reasons.empty());
  REQUIRE(ruled.phases.size() == 1);
  CHECK(ruled.phases[0].trace.outcome == ruled.decision.pre);

  const float broken = std::nanf("");
  const Engine without_forest(bundle, {.forest = std::make_shared<ShiftedForest>(*bundle, broken)});
  for (const double x : {-1.0, 1.0}) {  // decided by the fallback rules, then by the safe default
    row[amount] = x;
    const Explanation e = Explainer(without_forest).explain(row);
    CHECK(e.decision.level == (x < 0 ? cascade::Level::L2 : cascade::Level::L3));
    CHECK_FALSE(e.attribution);
    REQUIRE(e.phases.size() == 2);
    CHECK(e.phases[1].phase == rules::Phase::fallback);
  }
}

TEST_CASE("an attribution that does not add up is an error, not a report") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "b", kSeed);
  const Engine shifted(bundle, {.forest = std::make_shared<ShiftedForest>(*bundle, 0.001f)});
  CHECK(code_of([&] { Explainer(shifted).explain(find_row(shifted, by_forest)); }) == "explain.additivity");
  const Engine drifting(bundle, {.network = std::make_shared<DriftingNetwork>(*bundle)});
  CHECK(code_of([&] { Explainer(drifting).explain(find_row(drifting, by_network)); }) == "explain.additivity");
}

TEST_CASE("unknown names, unsuitable methods and missing backgrounds are errors") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "b", kSeed);
  const Engine engine(bundle);
  CHECK(code_of([] { parse_method("chain"); }) == "explain.method");
  CHECK(code_of([] { parse_game("all"); }) == "explain.game");
  CHECK(parse_method("exact") == Method::exact);
  CHECK(code_of([&] { Explainer(engine, {.background = "unknown"}); }) == "explain.background");
  CHECK(code_of([&] { Explainer(engine, {.method = Method::tree}).explain(find_row(engine, by_network)); }) ==
        "explain.method");
  CHECK(code_of([&] {
          Explainer(engine, {.game = Game::system, .method = Method::tree}).explain(find_row(engine, by_forest));
        }) == "explain.method");
  CHECK(code_of([&] { Explainer(engine).explain(std::vector<double>(3)); }) == "shape");
  auto bare = std::make_shared<cascade::Bundle>(*bundle);
  bare->backgrounds.clear();
  const Engine without(bare);
  CHECK(code_of([&] { Explainer(without).explain(find_row(without, by_network)); }) == "explain.background");
  CHECK(Explainer(without).explain(find_row(without, by_forest)).attribution);
}
