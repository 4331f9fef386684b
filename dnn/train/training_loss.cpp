#include "sluice/dnn/train/training_loss.h"

#include <algorithm>
#include <cmath>

#include "sluice/base/metrics.h"

namespace sluice::dnn {

torch::Tensor losses_of(const torch::Tensor& margins, const torch::Tensor& labels) {
  if (margins.size(2) == 1) {
    const auto z = margins.squeeze(2);
    return torch::binary_cross_entropy_with_logits(z, labels.expand_as(z), {}, {}, at::Reduction::None);
  }
  const auto classes = labels.to(torch::kInt64).unsqueeze(2).expand({-1, margins.size(1), 1});
  return -torch::log_softmax(margins, 2).gather(2, classes).squeeze(2);
}

double loss_of(std::span<const double> margins, float label) {
  if (margins.size() == 1) {
    const double z = label > 0.5f ? -margins[0] : margins[0];
    return z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z));
  }
  const double most = *std::max_element(margins.begin(), margins.end());
  double sum = 0;
  for (const double z : margins) sum += std::exp(z - most);
  return most + std::log(sum) - margins[static_cast<std::size_t>(label)];
}

double mean_loss(std::span<const double> margins, std::span<const float> labels) {
  const std::size_t n_outputs = margins.size() / labels.size();
  double sum = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) sum += loss_of(margins.subspan(i * n_outputs, n_outputs), labels[i]);
  return sum / static_cast<double>(labels.size());
}

double mean_auc(std::span<const double> margins, std::span<const float> labels) {
  const std::size_t n_outputs = margins.size() / labels.size();
  if (n_outputs == 1) return auc(margins, labels);
  double sum = 0, n_classes = 0;
  std::vector<double> scores(labels.size());
  std::vector<float> is_class(labels.size());
  for (std::size_t c = 0; c < n_outputs; ++c) {
    for (std::size_t i = 0; i < labels.size(); ++i) {
      scores[i] = -loss_of(margins.subspan(i * n_outputs, n_outputs), static_cast<float>(c));
      is_class[i] = labels[i] == static_cast<float>(c) ? 1.0f : 0.0f;
    }
    if (std::find(is_class.begin(), is_class.end(), 1.0f) == is_class.end()) continue;
    sum += auc(scores, is_class);
    ++n_classes;
  }
  return sum / n_classes;
}

}  // namespace sluice::dnn
