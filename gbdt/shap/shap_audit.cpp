#include "sluice/gbdt/shap/shap_audit.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "sluice/base/error.h"
#include "sluice/base/number.h"
#include "sluice/gbdt/kernels/walk.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/tree_shap.h"  // IWYU pragma: keep

namespace sluice::gbdt {

void check_shap_tables(const Forest& forest, const ShapState& state) {
  if (state.n_nodes != forest.nodes.size() || state.n_features != forest.n_features ||
      state.n_groups != forest.n_groups || state.trees.size() != forest.trees.size() ||
      state.n_category_sets != forest.category_sets.size())
    throw Error("shape.tables", "the attribution tables belong to another forest", "make ShapTables from this forest");
}

bool adds_up(const ShapState& state, std::span<const double> bias, std::span<const double> phi, const float* margins) {
  for (std::size_t group = 0; group < state.n_groups; ++group) {
    double sum = bias[group], magnitude = 1 + std::abs(sum);
    for (const double value : phi.subspan(group * state.n_features, state.n_features)) {
      sum += value;
      magnitude += std::abs(value);
    }
    if (!(std::abs(sum - static_cast<double>(margins[group])) <= magnitude * 0x1p-20)) return false;
  }
  return true;
}

void check_audit(const ShapState& state, std::span<const double> bias, std::span<const double> phi,
                 const float* margins, std::size_t row) {
  for (std::size_t group = 0; group < state.n_groups; ++group) {
    double sum = bias[group];
    for (const double value : phi.subspan(group * state.n_features, state.n_features)) sum += value;
    const auto margin = static_cast<double>(margins[group]);
    if (std::abs(sum - margin) <= state.rounding[group]) continue;
    throw Error("attribution.additivity",
                "row " + std::to_string(row) + ", output " + std::to_string(group) + ": the attributions add up to " +
                    number_text(sum) + ", the margin is " + number_text(margin),
                "the forest's leaves or covers exceed the range of double sums; check the model");
  }
}

ShapAudit::ShapAudit(const Forest& forest, const ShapState& state)
    : forest_(forest),
      state_(state),
      keys_(std::max<std::size_t>(1, state.n_columns())),
      phi_(state.n_slots()),
      scratch_(deep_scratch(state, 1)) {}

void ShapAudit::compute(std::span<const float> row) {
  shap_keys(forest_, state_, BatchView(row), 1, keys_.data());
  std::fill(phi_.begin(), phi_.end(), 0.0);
  for (const ShapTree& tree : state_.trees) shap_walk_double(state_, tree, keys_.data(), phi_.data(), scratch_.data());
}

void ShapAudit::interactions(std::span<const float> row, const float* margins, std::size_t number, double* out) {
  compute(row);
  check_audit(state_, state_.bias, phi_, margins, number);
  const std::size_t n = state_.n_features, width = n + 1;
  std::fill_n(out, state_.n_groups * width * width, 0.0);
  for (const ShapTree& tree : state_.trees) {
    double* matrix = out + tree.group * width * width;
    std::vector<std::uint32_t> features;
    const std::size_t index = static_cast<std::size_t>(&tree - state_.trees.data());
    for (std::uint32_t i = 0; i < forest_.trees[index].n_nodes; ++i)
      if (const ShapNode& node = state_.nodes[tree.first + i]; node.left != 0) features.push_back(node.feature);
    std::sort(features.begin(), features.end());
    features.erase(std::unique(features.begin(), features.end()), features.end());
    for (const std::uint32_t j : features)
      for (const bool in : {true, false}) {
        const Held held{j, in};
        held_.assign(state_.n_slots(), 0.0);
        shap_walk_double(state_, tree, keys_.data(), held_.data(), scratch_.data(), &held);
        for (const std::uint32_t i : features) matrix[j * width + i] += (in ? 0.5 : -0.5) * held_[tree.group * n + i];
      }
  }
  for (std::size_t group = 0; group < state_.n_groups; ++group, out += width * width) {
    for (std::size_t i = 0; i < n; ++i) {
      double own = phi_[group * n + i];
      for (std::size_t j = 0; j < n; ++j) own -= out[i * width + j];
      out[i * width + i] = own;
    }
    out[width * width - 1] = state_.bias[group];
  }
}

void shap_interactions(const Forest& forest, const ShapTables& tables, BatchView rows, std::span<double> out,
                       ThreadPool* pool) {
  const ShapState& state = tables.state();
  check_shap_tables(forest, state);
  check_columns(forest, rows.n_columns);
  const std::size_t width = forest.n_features + 1, size = forest.n_groups * width * width;
  check_output(out.size(), rows.n_rows * size);
  const auto piece = [&](std::size_t i) {
    std::vector<float> margins(forest.n_groups);
    predict_row(forest, rows.row(i), margins);
    ShapAudit(forest, state).interactions(rows.row(i), margins.data(), i, out.data() + i * size);
  };
  if (pool != nullptr)
    pool->run(rows.n_rows, piece);
  else
    for (std::size_t i = 0; i < rows.n_rows; ++i) piece(i);
}

}  // namespace sluice::gbdt
