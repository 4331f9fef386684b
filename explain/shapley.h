#pragma once
/// Shapley values of any function of a row against reference rows (the interventional game).
///
/// A coalition's value is the mean over references r of f(the row's cells for its columns, r's for the rest). Sums are
/// computed in double in a fixed order: the same inputs give the same bits. A column whose cell equals the reference's
/// costs no evaluation and gets exactly 0 from this reference.
/// Thread-safety: the functions are thread-safe if `evaluate` and `permutation` are.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "sluice/base/batch.h"

namespace sluice::explain {

/// Writes f of each row. If a value is not finite, the calls below throw Error{explain.not_finite}.
using Evaluate = std::function<void(RowsView rows, std::span<double> values)>;

/// Writes an order of the players 0 to out.size() - 1 for one reference and pair. Its reverse is the other half of the
/// antithetic pair.
using Permutation = std::function<void(std::size_t reference, std::size_t pair, std::span<std::uint16_t> out)>;

inline constexpr std::size_t kMaxExactPlayers = 12;

struct ShapleyInput {
  RowView row;
  RowsView references;
  std::span<const std::size_t> players;  // columns that are explained; the others always have the row's cells
};

struct ShapleyValues {
  double base = 0;                          // mean of f over the references
  std::vector<double> phi, standard_error;  // one per player
  std::size_t n_pairs = 0;                  // 0 for exact
};

struct SamplingOptions {
  std::size_t min_pairs = 2;  // at least 2, because standard errors are estimated from the spread between pairs
  std::size_t max_pairs = 16;
  // Pairs are added until the n_ranked largest positive values are two standard errors above the rest.
  std::size_t n_ranked = 4;
};

/// Sampled values. The standard errors measure only the sampling of permutations: the references are part of the game.
/// `row_value` is f of the row.
ShapleyValues permutation_shapley(const ShapleyInput& input, double row_value, const Permutation& permutation,
                                  const SamplingOptions& options, const Evaluate& evaluate);

/// Exact values: for each reference, evaluates all 2^k coalitions of the k players in which the row differs from it.
/// Throws Error{explain.too_many_columns} if k > kMaxExactPlayers.
ShapleyValues exact_shapley(const ShapleyInput& input, const Evaluate& evaluate);

}  // namespace sluice::explain
