#include "sluice/dnn/train/member_mix.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice::dnn {
namespace {

/// The mean margins of the members that are (or are not) residual; empty if there are none.
std::vector<double> mean_of(std::span<const std::vector<double>> margins, const std::vector<bool>& residual,
                            bool which) {
  std::vector<double> mean;
  const auto n = static_cast<double>(std::count(residual.begin(), residual.end(), which));
  for (std::size_t k = 0; k < margins.size(); ++k) {
    if (residual[k] != which) continue;
    mean.resize(margins[k].size());
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += margins[k][i] / n;
  }
  return mean;
}

}  // namespace

double mean_log_loss(std::span<const double> margins, std::span<const float> labels) {
  double sum = 0;
  for (std::size_t i = 0; i < margins.size(); ++i) {
    const double z = labels[i] > 0.5f ? -margins[i] : margins[i];
    sum += z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z));
  }
  return sum / static_cast<double>(margins.size());
}

MemberMix choose_mix(std::span<const std::vector<double>> margins, const std::vector<bool>& residual,
                     std::span<const double> forest, std::span<const float> labels) {
  std::vector<double> corrected = mean_of(margins, residual, true);
  const std::vector<double> alone = mean_of(margins, residual, false);
  const bool has_residual = !corrected.empty();
  if (!has_residual) corrected.assign(forest.begin(), forest.end());
  MemberMix mix;
  double best_loss = std::numeric_limits<double>::infinity();
  std::vector<double> mixed(labels.size());
  for (int tenths = 0; tenths <= (alone.empty() ? 0 : 10); ++tenths) {
    const double share = tenths / 10.0;
    for (std::size_t i = 0; i < mixed.size(); ++i)
      mixed[i] = alone.empty() ? corrected[i] : (1 - share) * corrected[i] + share * alone[i];
    if (const double loss = mean_log_loss(mixed, labels); loss < best_loss) best_loss = loss, mix.share_alone = share;
  }
  const auto n_residual = static_cast<double>(std::count(residual.begin(), residual.end(), true)),
             n_alone = static_cast<double>(residual.size()) - n_residual;
  // A mean over the kept members divides by their number, which the factors compensate.
  const bool keeps_residual = has_residual && mix.share_alone < 1, keeps_alone = !has_residual || mix.share_alone > 0;
  const double n_kept = (keeps_residual ? n_residual : 0) + (keeps_alone ? n_alone : 0);
  for (const bool is_residual : residual)
    mix.factors.push_back(is_residual ? (1 - mix.share_alone) * n_kept / n_residual
                                      : mix.share_alone * n_kept / n_alone);
  if (!has_residual) mix.forest = 1 - mix.share_alone;
  return mix;
}

void scale_member(Tensors& tensors, const std::string& name, double factor, double forest) {
  for (const char* part : {".head.weight", ".head.bias", ".a", ".b"})
    for (float& x : tensors.at(name + part).values) x = static_cast<float>(static_cast<double>(x) * factor);
  for (float& a : tensors.at(name + ".a").values) a += static_cast<float>(forest);
}

}  // namespace sluice::dnn
