#pragma once
/// A row's Shapley values in double, checked against its margin. Not installed.

#include <span>
#include <vector>

#include "sluice/gbdt/shap/shap_kernel.h"

namespace sluice::gbdt {

/// Throws Error{shape.tables}.
void check_shap_tables(const Forest& forest, const ShapState& state);

/// True if each group's values and bias add up to its margin, to float32 rounding. phi: [n_slots].
bool adds_up(const ShapState& state, std::span<const double> bias, std::span<const double> phi, const float* margins);
/// Throws Error{attribution.additivity} if they differ by more than the margin's own rounding.
void check_audit(const ShapState& state, std::span<const double> bias, std::span<const double> phi,
                 const float* margins, std::size_t row);

/// Writes slots and bias as [n_groups, n_features + 1].
template <class From, class Out>
void write_row(const ShapState& state, std::span<const double> bias, const From* phi, Out* out,
               std::size_t stride = 1) {
  for (std::size_t group = 0; group < state.n_groups; ++group) {
    for (std::size_t f = 0; f < state.n_features; ++f, phi += stride) *out++ = static_cast<Out>(*phi);
    *out++ = static_cast<Out>(bias[group]);
  }
}

class ShapAudit {
 public:
  ShapAudit(const Forest& forest, const ShapState& state);

  /// Writes [n_groups, n_features + 1]. Throws Error{attribution.additivity} with the row `number`.
  template <class Out>
  void row(std::span<const float> row, const float* margins, std::size_t number, Out* out) {
    compute(row);
    check_audit(state_, state_.bias, phi_, margins, number);
    write_row(state_, state_.bias, phi_.data(), out);
  }

  /// Writes [n_groups, n_features + 1, n_features + 1].
  void interactions(std::span<const float> row, const float* margins, std::size_t number, double* out);

 private:
  void compute(std::span<const float> row);

  const Forest& forest_;
  const ShapState& state_;
  std::vector<std::int32_t> keys_;
  std::vector<double> phi_, held_, scratch_;
};

}  // namespace sluice::gbdt
