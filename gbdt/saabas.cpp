#include "sluice/gbdt/saabas.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "sluice/base/number.h"
#include "sluice/base/stack_buffer.h"
#include "sluice/gbdt/load/lightgbm_cell.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/shap/shap_shares.h"
#include "sluice/gbdt/tree_shap.h"

namespace sluice::gbdt {
namespace {

/// The margin is a float32 sum: its error is at most one rounding per tree.
void check_sum(const Forest& forest, std::span<const double> phi, float margin, std::size_t row) {
  double sum = 0, magnitude = 1;
  for (const double value : phi) {
    sum += value;
    magnitude += std::abs(value);
  }
  const double tolerance = magnitude * 0x1p-23 * static_cast<double>(forest.n_trees() + 1);
  if (std::abs(sum - static_cast<double>(margin)) <= tolerance) return;
  throw Error("attribution.additivity", "row " + std::to_string(row) + ": the attributions add up to " +
                                            number_text(sum) + ", the margin is " + number_text(margin));
}

}  // namespace

void saabas(const Forest& forest, BatchView rows, std::span<double> out) {
  check_attributable(forest);
  check_columns(forest, rows.n_columns);
  check_output(out.size(), attribution_size(forest, rows.n_rows));
  const std::vector<double> expected = expected_values(forest), bias = expected_margins(forest);
  const std::size_t width = forest.n_features + 1;
  StackBuffer<float, 64> margins(forest.n_groups);
  std::fill_n(out.data(), attribution_size(forest, rows.n_rows), 0.0);
  for (std::size_t i = 0; i < rows.n_rows; ++i) {
    double* phi = out.data() + attribution_size(forest, i);
    for (const Tree& tree : forest.trees)
      for (std::uint32_t at = tree.first; !forest.nodes[at].is_leaf();) {
        const std::uint32_t next = step_of(forest, at, rows.row(i).data());
        phi[tree.group * width + forest.nodes[at].feature] += expected[next] - expected[at];
        at = next;
      }
    predict_row(forest, rows.row(i), margins.span());
    for (std::size_t group = 0; group < forest.n_groups; ++group) {
      phi[group * width + forest.n_features] = bias[group];
      check_sum(forest, {phi + group * width, width}, margins[group], i);
    }
  }
}

}  // namespace sluice::gbdt
