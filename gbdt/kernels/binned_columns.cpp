#include "sluice/gbdt/kernels/binned_columns.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace sluice::gbdt {

namespace {

/// Words of 64 bits for `n` categories and the two codes for missing and for none; 0 if a byte cannot represent them.
std::uint32_t words_for(std::uint32_t n) { return n <= 62 ? 1 : n <= 126 ? 2 : n <= 254 ? 4 : 0; }

/// One more than the highest category of a set.
std::uint32_t end_of_set(const Forest& forest, const CategorySet& set) {
  for (std::uint32_t k = set.n_words; k-- > 0;)
    if (const std::uint32_t word = forest.category_words[set.first_word + k]; word != 0)
      return 32 * k + 32 - static_cast<std::uint32_t>(std::countl_zero(word));
  return 0;
}

/// The order of cuts: NaN, which no value reaches, is above all others.
bool is_lower(float a, float b) { return a < b || (a == a && b != b); }
bool is_same_cut(float a, float b) { return !is_lower(a, b) && !is_lower(b, a); }

}  // namespace

ColumnMap::ColumnMap(const Forest& forest)
    : forest_(forest),
      cuts_(forest.n_features),
      n_categories_(forest.n_features),
      first_column_(forest.n_features),
      category_column_(forest.n_features) {
  std::vector<bool> has_sets(forest.n_features);
  for (const Node& node : forest.nodes) {
    if (node.is_leaf()) continue;
    if (!node.is_category()) {
      cuts_[node.feature].push_back(node.value);
      continue;
    }
    has_sets[node.feature] = true;
    std::uint32_t& n = n_categories_[node.feature];
    n = std::max(n, end_of_set(forest, forest.category_sets[node.category_set()]));
  }
  for (std::size_t feature = 0; feature < cuts_.size(); ++feature) {
    auto& cuts = cuts_[feature];
    std::sort(cuts.begin(), cuts.end(), is_lower);
    // Zeros of both signs are one cut, because < treats them as equal.
    cuts.erase(std::unique(cuts.begin(), cuts.end(), is_same_cut), cuts.end());
    first_column_[feature] = n_numeric_;
    n_numeric_ += (cuts.size() + kMaxCuts - 1) / kMaxCuts;
  }
  for (std::size_t feature = 0; feature < has_sets.size(); ++feature)
    if (has_sets[feature]) category_column_[feature] = ++n_category_;
}

ColumnMap::Cut ColumnMap::cut_of(const Node& split) const {
  const auto& cuts = cuts_[split.feature];
  const auto found = std::lower_bound(cuts.begin(), cuts.end(), split.value, is_lower);
  const auto place = static_cast<std::size_t>(found - cuts.begin());
  return {first_column_[split.feature] + place / kMaxCuts,
          static_cast<std::int8_t>(static_cast<int>(place % kMaxCuts) + kLowestBin)};
}

CategoryNode ColumnMap::category_of(const Node& split, std::uint32_t place, Bins& bins) {
  CategoryNode out{};
  out.feature = split.feature;
  out.set = split.category_set();
  out.place = static_cast<std::uint8_t>(place);
  out.default_right = split.default_right();
  out.n_words = static_cast<std::uint8_t>(words_for(n_categories_[split.feature]));
  out.column = static_cast<std::uint16_t>(n_numeric_ + category_column_[split.feature] - 1);
  if (out.n_words == 0) return out;
  const std::uint32_t key = 2 * out.set + (out.default_right ? 1 : 0);
  const auto [found, is_new] = first_word_.try_emplace(key, static_cast<std::uint32_t>(bins.category_words.size()));
  out.first_word = found->second;
  if (!is_new) return out;
  const CategorySet& set = forest_.category_sets[out.set];
  std::vector<std::uint64_t> words(out.n_words);
  for (std::uint32_t k = 0; k < std::min<std::uint32_t>(set.n_words, 2u * out.n_words); ++k)
    words[k / 2] |= std::uint64_t{forest_.category_words[set.first_word + k]} << (32 * (k % 2));
  if (out.default_right) words.back() |= 1ull << 62;
  bins.category_words.insert(bins.category_words.end(), words.begin(), words.end());
  return out;
}

void ColumnMap::write(Bins& bins) const {
  constexpr float kNever = std::numeric_limits<float>::quiet_NaN();
  for (std::size_t feature = 0; feature < cuts_.size(); ++feature) {
    const auto& cuts = cuts_[feature];
    for (std::size_t first = 0; first < cuts.size(); first += kMaxCuts) {
      const std::size_t n = std::min(kMaxCuts, cuts.size() - first), n_rows = (n + kCutsABlock - 1) / kCutsABlock;
      const auto row = static_cast<std::uint32_t>(bins.fine.size() / kCutsABlock);
      bins.columns.push_back({static_cast<std::uint32_t>(feature), row, static_cast<std::uint32_t>(n_rows)});
      const float* window = cuts.data() + first;
      for (std::size_t k = 0; k < n_rows * kCutsABlock; ++k) bins.fine.push_back(k < n ? window[k] : kNever);
      for (std::size_t k = 1; k <= kCutsABlock; ++k)
        bins.coarse.push_back(k < n_rows ? window[k * kCutsABlock] : kNever);
    }
  }
  for (std::size_t feature = 0; feature < cuts_.size(); ++feature)
    if (category_column_[feature] != 0)
      bins.category_columns.push_back({static_cast<std::uint32_t>(feature), words_for(n_categories_[feature])});
}

}  // namespace sluice::gbdt
