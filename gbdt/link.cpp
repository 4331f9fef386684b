#include <algorithm>
#include <cmath>

#include "sluice/base/error.h"
#include "sluice/gbdt/predict.h"

namespace sluice::gbdt {
namespace {

// XGBoost's formulas, in its order and its types (src/common/math.h).

float logistic(float margin) {
  const float denominator = std::exp(std::min(-margin, 88.7f)) + 1.0f + 1e-16f;
  return 1.0f / denominator;
}

/// survival:aft calls C's exp, which computes in double.
void exponential(const std::string& objective, std::span<float> margins) {
  const bool is_double = objective == "survival:aft";
  for (float& value : margins)
    value = is_double ? static_cast<float>(std::exp(static_cast<double>(value))) : std::exp(value);
}

/// In double, as in LightGBM: e^margin alone would be infinite from 89 on.
float softplus(float margin) { return static_cast<float>(std::log1p(std::exp(static_cast<double>(margin)))); }

void softmax(std::span<float> group) {
  const float largest = *std::max_element(group.begin(), group.end());
  double sum = 0;
  for (float& value : group) {
    value = std::exp(value - largest);
    sum += static_cast<double>(value);
  }
  for (float& value : group) value /= static_cast<float>(sum);
}

}  // namespace

void apply_link(const Forest& forest, std::span<float> margins) {
  switch (forest.link) {
    case Link::identity:
      return;
    case Link::logistic:
      for (float& value : margins) value = logistic(forest.link_scale * value);
      return;
    case Link::exponential:
      exponential(forest.objective, margins);
      return;
    case Link::softplus:
      for (float& value : margins) value = softplus(value);
      return;
    case Link::signed_square:
      for (float& value : margins) value *= std::abs(value);
      return;
    case Link::hinge:
      for (float& value : margins) value = value > 0.0f ? 1.0f : 0.0f;
      return;
    case Link::softmax:
      if (margins.size() % forest.n_groups != 0)
        throw Error("shape.groups", std::to_string(margins.size()) + " margins are not a multiple of " +
                                        std::to_string(forest.n_groups) + " groups");
      for (std::size_t i = 0; i < margins.size(); i += forest.n_groups) softmax(margins.subspan(i, forest.n_groups));
      return;
  }
}

}  // namespace sluice::gbdt
