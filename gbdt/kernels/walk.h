#pragma once
/// Steps through trees, for the functions of this folder. Not installed.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "sluice/base/batch.h"
#include "sluice/base/error.h"
#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

/// 1 if `x` is a category of the set. Branch-free; NaN is in no set.
inline std::uint32_t contains(const Forest& forest, std::uint32_t set, float x) {
  const std::uint32_t is_code = static_cast<std::uint32_t>(x >= 0.0f) & static_cast<std::uint32_t>(x < 16777216.0f);
  // 0 if x is not a code; the category is then beyond every set
  const float code = std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & (0u - is_code));
  const std::uint32_t category = static_cast<std::uint32_t>(code) | (is_code - 1);
  const CategorySet& words = forest.category_sets[set];
  return (forest.category_words[words.first_word + std::min(category / 32, words.n_words)] >> (category % 32)) & 1u;
}

/// The child that `row` goes to; a leaf returns itself. Branch-free, for trees without categories.
inline std::uint32_t step_numeric(const Forest& forest, std::uint32_t at, const float* row) {
  const Node& node = forest.nodes[at];
  const float x = row[node.feature];
  const std::uint32_t missing_right = static_cast<std::uint32_t>(std::isnan(x)) & node.bits;
  return node.left + ((static_cast<std::uint32_t>(x >= node.value) | missing_right) & (node.bits >> 1));
}

/// The same for any tree. A numeric node looks into set 0, which is empty: one path for both kinds is faster than a
/// mispredicted branch.
inline std::uint32_t step_any(const Forest& forest, std::uint32_t at, const float* row) {
  const Node& node = forest.nodes[at];
  const float x = row[node.feature];
  const std::uint32_t missing_right = static_cast<std::uint32_t>(std::isnan(x)) & node.bits;
  const std::uint32_t in_set = contains(forest, node.category_set(), x);
  const std::uint32_t above =
      static_cast<std::uint32_t>(x >= node.value) & static_cast<std::uint32_t>(!node.is_category());
  return node.left + ((in_set | above | missing_right) & (node.bits >> 1));
}

/// Steps kAbreast walkers level by level until each has reached its leaf: `row_of(i)` is walker i's row, `at[i]` its
/// root on entry. A single walker waits for memory and comparisons most of the time. The loop is unrolled so that the
/// walkers stay in registers.
template <std::size_t kAbreast, class RowOf>
inline void walk(const Forest& forest, bool has_categories, std::uint32_t depth, const RowOf& row_of,
                 std::uint32_t* at) {
  const auto step_all = [&](const auto& step) {
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      ((at[i] = step(forest, at[i], row_of(i))), ...);
    }(std::make_index_sequence<kAbreast>());
  };
  // Levels between checks whether all have arrived: one long path must not cost every row its length.
  constexpr std::uint32_t kLevels = 8;
  for (std::uint32_t level = 0; level < depth; level += kLevels) {
    if (level > 0 && std::all_of(at, at + kAbreast, [&](std::uint32_t node) { return forest.nodes[node].is_leaf(); }))
      return;
    const std::uint32_t n_levels = std::min(kLevels, depth - level);
    if (has_categories)
      for (std::uint32_t k = 0; k < n_levels; ++k) step_all([](auto&&... a) { return step_any(a...); });
    else
      for (std::uint32_t k = 0; k < n_levels; ++k) step_all([](auto&&... a) { return step_numeric(a...); });
  }
}

/// Throws Error{shape.features}.
inline void check_columns(const Forest& forest, std::size_t n_columns) {
  if (n_columns != forest.n_features)
    throw Error("shape.features", "the rows have " + std::to_string(n_columns) + " columns, the forest has " +
                                      std::to_string(forest.n_features) + " features");
}

/// Throws Error{shape.output}.
inline void check_output(std::size_t size, std::size_t needed) {
  if (size < needed)
    throw Error("shape.output",
                "the output holds " + std::to_string(size) + " values, " + std::to_string(needed) + " are needed");
}

}  // namespace sluice::gbdt
