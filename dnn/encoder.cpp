#include "sluice/dnn/encoder.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace sluice::dnn {
namespace {

/// The number of ascending knots that are at most x. All knots are compared, several at a time: half of the branches of
/// a binary search are mispredicted, and there are at most 48 knots.
std::size_t n_knots_up_to(const std::vector<float>& knots, float x) {
  std::uint32_t n = 0;
  for (const float knot : knots) n += knot <= x ? 1 : 0;
  return n;
}

/// Linear between knots, flat outside them.
float interpolate(const Encoder::Number& number, float x) {
  const auto& v = number.values;
  if (v.empty() || std::isnan(x)) return 0.0f;
  if (x <= v.front()) return number.scores.front();
  if (x >= v.back()) return number.scores.back();
  const std::size_t right = n_knots_up_to(v, x);
  // In double, for knots whose distance exceeds float32; the minimum, for a last step that rounds up past the next
  // knot.
  const double low = v[right - 1], share = (x - low) / (v[right] - low);
  const float from = number.scores[right - 1], to = number.scores[right];
  return std::min(to, from + static_cast<float>(share) * (to - from));
}

float category_code(const Encoder::Category& category, double cell) {
  if (std::isnan(cell)) return static_cast<float>(category.n_words + 1);
  const bool known = cell >= 0 && cell < static_cast<double>(category.n_words);
  return known ? std::floor(static_cast<float>(cell)) : static_cast<float>(category.n_words);
}

}  // namespace

const char* to_string(ForestSignal signal) {
  return signal == ForestSignal::leaf_support ? "leaf_support" : "disagreement";
}

std::optional<ForestSignal> find_forest_signal(std::string_view name) {
  for (const ForestSignal signal : {ForestSignal::leaf_support, ForestSignal::disagreement})
    if (name == to_string(signal)) return signal;
  return std::nullopt;
}

void Encoder::count_dense() {
  n_dense_ = numbers_.size() + forest_.size();
  for (const Number& number : numbers_) n_dense_ += number.has_missing_flag;
}

void Encoder::encode(RowView row, std::span<const float> forest, std::span<float> out) const {
  std::size_t at = 0;
  for (const Number& number : numbers_) {
    const auto x = static_cast<float>(row[number.column]);
    out[at++] = interpolate(number, x);
    if (number.has_missing_flag) out[at++] = std::isnan(x) ? 1.0f : 0.0f;
  }
  for (std::size_t s = 0; s < forest_.size(); ++s) out[at++] = (forest[s] - forest_[s].mean) / forest_[s].deviation;
  for (const Category& category : categories_) out[at++] = category_code(category, row[category.column]);
  const std::size_t last = (kTreePrefixes.size() - 1) * n_margins();
  for (const float margin : forest.subspan(last, n_margins())) out[at++] = margin;
}

}  // namespace sluice::dnn
