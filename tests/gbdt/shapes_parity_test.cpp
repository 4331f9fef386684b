#include <cmath>

#include "sluice/gbdt/interventional.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/shap.h"
#include "sluice/gbdt/train/booster.h"
#include "sluice/gbdt/tree_shap.h"
#include "support/catch.h"
#include "support/forests_at_limits.h"
#include "support/shapley_oracle.h"

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::test;

namespace {

constexpr std::uint64_t kSeed = 20261203;

/// libxgboost rejects infinite cells when it computes attributions.
FloatTable finite_rows(const PlainModel& model, std::size_t n_rows, Random& random) {
  FloatTable rows = boundary_rows(model, n_rows, random);
  for (std::size_t i = 0; i < n_rows; ++i)
    for (float& cell : rows.row(i))
      if (std::isinf(cell)) cell = 0.25f;
  return rows;
}

double largest_difference(std::span<const double> a, std::span<const float> b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t k = 0; k < a.size(); ++k)
    worst = std::max(worst, std::abs(a[k] - static_cast<double>(b[k])) / (1 + std::abs(a[k])));
  return worst;
}

/// libxgboost's attributions grow with the square of the depth, and its interactions with the features too.
bool is_small(const NamedModel& shaped) {
  std::size_t n_nodes = 0;
  for (const PlainTree& tree : shaped.model.trees) n_nodes += tree.nodes.size();
  return shaped.model.n_features <= 300 && n_nodes <= 4000 && !shaped.name.starts_with("chains") &&
         !shaped.name.starts_with("one deep tree, levels 6");
}

}  // namespace

TEST_CASE("every shape gives libxgboost's margins, for one row and for many") {
  Random random(kSeed);
  for (const NamedModel& shaped : models_at_limits(kSeed)) {
    const std::string json = to_json(shaped.model);
    const Forest forest = load_xgboost(json, shaped.name);
    const FloatTable rows = finite_rows(shaped.model, 514, random);
    const std::vector<float> expected = ReferenceBooster(json).margins(rows.view());
    std::vector<float> out(expected.size());
    CAPTURE(shaped.name);
    predict(forest, rows.view(), out);
    REQUIRE(difference(out, expected) == "");
    predict(forest, rows.view().slice(0, 1), out);
    REQUIRE(difference(std::span(out).first(forest.n_groups), std::span(expected).first(forest.n_groups)) == "");
  }
}

TEST_CASE("every shape gives libxgboost's attributions, for one row and for many") {
  Random random(kSeed, 1);
  std::size_t n_shapes = 0;
  for (const NamedModel& shaped : models_at_limits(kSeed)) {
    if (!is_small(shaped)) continue;
    const std::string json = to_json(shaped.model);
    const Forest forest = load_xgboost(json, shaped.name);
    const FloatTable rows = finite_rows(shaped.model, 70, random);
    const std::vector<float> expected = ReferenceBooster(json).contribs(rows.view().slice(0, 9));
    const ShapTables tables(forest);
    std::vector<double> phi(attribution_size(forest, 70));
    std::vector<float> own(attribution_size(forest, 1));
    ShapWorkspace workspace(tables);
    for (const Kernel kernel : kernels()) {
      shap(forest, tables, rows.view(), phi, {.kernel = kernel});
      CAPTURE(shaped.name, to_string(kernel));
      REQUIRE(largest_difference(std::span(phi).first(expected.size()), expected) <= 2e-4);
      shap_row(forest, tables, rows.row(69), own, workspace, kernel);
      REQUIRE(largest_difference(std::span(phi).last(own.size()), own) <= 1e-6);
    }
    ++n_shapes;
  }
  REQUIRE(n_shapes > 100);
}

TEST_CASE("shapes with few features give libxgboost's interactions and all coalitions' interventional values") {
  Random random(kSeed, 2);
  for (const NamedModel& shaped : models_at_limits(kSeed)) {
    if (!is_small(shaped) || shaped.model.n_features > 6) continue;
    const std::string json = to_json(shaped.model);
    const Forest forest = load_xgboost(json, shaped.name);
    const FloatTable rows = finite_rows(shaped.model, 2, random), background = finite_rows(shaped.model, 3, random);
    const std::vector<float> expected = ReferenceBooster(json).interactions(rows.view());
    std::vector<double> out(expected.size()), phi(attribution_size(forest, 2));
    CAPTURE(shaped.name);
    shap_interactions(forest, ShapTables(forest), rows.view(), out);
    REQUIRE(largest_difference(out, expected) <= 5e-4);
    interventional_shap(forest, InterventionalTables(forest, background.view()), rows.view(), phi);
    const std::vector<float> equal(3, 1.0f);
    const std::vector<double> brute =
        oracle::interventional_shapley(shaped.model, rows.row(0), background.view(), equal);
    for (std::size_t k = 0; k < brute.size(); ++k) {
      CAPTURE(k, phi[k], brute[k]);
      REQUIRE(std::abs(phi[k] - brute[k]) <= 1e-5 * (1 + std::abs(brute[k])));
    }
  }
}
