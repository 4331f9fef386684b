#include "sluice/gbdt/linear.h"

#include <algorithm>
#include <cmath>

#include "sluice/gbdt/kernels/walk.h"

namespace sluice::gbdt {
namespace {

void check(const Forest& forest, BatchView rows) {
  if (forest.linear.empty()) throw Error("shape.forest", "the forest has trees; it is not a gblinear model");
  check_columns(forest, rows.n_columns);
}

float weight(const Forest& forest, std::size_t feature, std::size_t group) {
  return forest.linear[feature * forest.n_groups + group];
}

}  // namespace

void predict_linear(const Forest& forest, BatchView rows, std::span<float> out, std::span<const float> base_margin) {
  check(forest, rows);
  const std::size_t n_groups = forest.n_groups;
  check_output(out.size(), rows.n_rows * n_groups);
  if (!base_margin.empty() && base_margin.size() != rows.n_rows * n_groups)
    throw Error("shape.base_margin", std::to_string(base_margin.size()) + " base margins, " +
                                         std::to_string(rows.n_rows * n_groups) + " are required");
  for (std::size_t i = 0; i < rows.n_rows; ++i)
    for (std::size_t group = 0; group < n_groups; ++group) {
      const float base = base_margin.empty() ? forest.base_margin[group] : base_margin[i * n_groups + group];
      float sum = weight(forest, forest.n_features, group) + base;
      for (std::size_t f = 0; f < forest.n_features; ++f)
        if (const float x = rows.row(i)[f]; !std::isnan(x)) sum += x * weight(forest, f, group);
      out[i * n_groups + group] = sum;
    }
}

void linear_contribs(const Forest& forest, BatchView rows, std::span<double> out) {
  check(forest, rows);
  const std::size_t n_groups = forest.n_groups, n_columns = forest.n_features + 1;
  check_output(out.size(), rows.n_rows * n_groups * n_columns);
  if (!std::all_of(forest.linear.begin(), forest.linear.end(), [](float w) { return std::isfinite(w); }))
    throw Error("attribution.not_finite", "the model has weights that are infinite or NaN",
                "its training diverged: check the learning rate and the labels");
  for (std::size_t i = 0; i < rows.n_rows; ++i)
    for (std::size_t group = 0; group < n_groups; ++group) {
      double* phi = &out[(i * n_groups + group) * n_columns];
      for (std::size_t f = 0; f < forest.n_features; ++f) {
        const float x = rows.row(i)[f];
        phi[f] = std::isnan(x) ? 0.0 : static_cast<double>(x) * static_cast<double>(weight(forest, f, group));
      }
      phi[forest.n_features] = static_cast<double>(weight(forest, forest.n_features, group)) +
                               static_cast<double>(forest.base_margin[group]);
    }
}

}  // namespace sluice::gbdt
