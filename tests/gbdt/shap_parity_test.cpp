#include <cmath>

#include "sluice/base/random.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/saabas.h"
#include "sluice/gbdt/shap.h"
#include "sluice/gbdt/train/booster.h"
#include "sluice/gbdt/tree_shap.h"
#include "support/catch.h"

using namespace sluice;
using namespace sluice::gbdt;

namespace {

struct Case {
  FloatTable rows;
  std::string json;
};

/// A trained forest; with n_classes, a softmax forest. With three columns, features repeat on every path.
Case trained(std::size_t n_features, int depth, std::size_t n_classes) {
  Random random(11, n_features + static_cast<std::size_t>(depth));
  Case out{FloatTable(n_features, 1500), {}};
  std::vector<float> labels;
  for (std::size_t i = 0; i < out.rows.n_rows(); ++i) {
    double score = random.normal() * 0.3;
    for (std::size_t c = 0; c < n_features; ++c) {
      float& cell = out.rows.row(i)[c];
      cell = c % 4 == 1 ? static_cast<float>(random.below(12)) : static_cast<float>(random.normal());
      score += std::sin(static_cast<double>(cell) * 2) * (c % 3 == 0 ? 1 : 0.3);
      if (random.uniform() < 0.05) cell = NAN;
    }
    labels.push_back(n_classes > 0 ? static_cast<float>((static_cast<std::size_t>(std::abs(score) * 2)) % n_classes)
                                   : static_cast<float>(score > 0));
  }
  TrainOptions options;
  options.n_rounds = 30;
  options.max_depth = depth;
  options.n_classes = n_classes;
  if (n_classes > 0) options.objective = "multi:softprob", options.eval_metric = "mlogloss";
  std::vector<bool> is_category(n_features);
  for (std::size_t c = 1; c < n_features; c += 4) is_category[c] = true;
  out.json = train({out.rows.view(), labels, {}, is_category, {}}, nullptr, options).json;
  return out;
}

double largest_difference(std::span<const double> a, std::span<const float> b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t k = 0; k < a.size(); ++k) worst = std::max(worst, std::abs(a[k] - static_cast<double>(b[k])));
  return worst;
}

}  // namespace

TEST_CASE("attributions of trained forests equal libxgboost's") {
  for (const auto& [n_features, depth, n_classes] :
       {std::tuple{20, 6, 0}, {3, 6, 0}, {12, 4, 0}, {12, 2, 0}, {3, 9, 0}, {20, 11, 0}, {8, 5, 3}}) {
    const Case at = trained(static_cast<std::size_t>(n_features), depth, static_cast<std::size_t>(n_classes));
    const Forest forest = load_xgboost(at.json, "trained");
    const ReferenceBooster peer(at.json);
    const ShapTables tables(forest);
    const BatchView rows = at.rows.view().slice(0, 100);
    const std::vector<float> expected = peer.contribs(rows);
    std::vector<double> phi(expected.size());
    for (const Kernel kernel : kernels()) {
      const ShapReport report = shap(forest, tables, rows, phi, {.kernel = kernel});
      CAPTURE(n_features, depth, n_classes, to_string(kernel));
      CHECK(report.n_recomputed == 0);
      CHECK(largest_difference(phi, expected) <= 1e-5);
    }
    saabas(forest, rows, phi);
    CHECK(largest_difference(phi, peer.approximate_contribs(rows)) <= 1e-5);
  }
}

TEST_CASE("interactions of trained forests equal libxgboost's") {
  for (const auto& [n_features, depth, n_classes] : {std::tuple{8, 6, 0}, {3, 8, 0}, {6, 3, 3}}) {
    const Case at = trained(static_cast<std::size_t>(n_features), depth, static_cast<std::size_t>(n_classes));
    const Forest forest = load_xgboost(at.json, "trained");
    const BatchView rows = at.rows.view().slice(0, 10);
    const std::vector<float> expected = ReferenceBooster(at.json).interactions(rows);
    std::vector<double> out(expected.size());
    shap_interactions(forest, ShapTables(forest), rows, out);
    CAPTURE(n_features, depth, n_classes);
    CHECK(largest_difference(out, expected) <= 1e-4);
  }
}
