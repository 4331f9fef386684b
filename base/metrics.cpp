#include "sluice/base/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace sluice {
namespace {

std::vector<std::size_t> ascending(std::span<const double> scores) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  return order;
}

}  // namespace

double auc(std::span<const double> scores, std::span<const float> labels) {
  if (std::any_of(scores.begin(), scores.end(), [](double score) { return std::isnan(score); }))
    return std::numeric_limits<double>::quiet_NaN();
  const auto order = ascending(scores);
  double n_bad = 0, n_good = 0, pairs = 0;
  for (std::size_t i = 0; i < order.size();) {
    double bad = 0, good = 0;
    const double score = scores[order[i]];
    for (; i < order.size() && scores[order[i]] == score; ++i) (labels[order[i]] > 0.5f ? bad : good) += 1;
    pairs += bad * (n_good + 0.5 * good);
    n_bad += bad;
    n_good += good;
  }
  return n_bad > 0 && n_good > 0 ? pairs / (n_bad * n_good) : std::numeric_limits<double>::quiet_NaN();
}

double log_loss(std::span<const double> p, std::span<const float> labels) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double clamped = std::clamp(p[i], 1e-15, 1 - 1e-15);
    sum -= labels[i] > 0.5f ? std::log(clamped) : std::log1p(-clamped);
  }
  return sum / static_cast<double>(p.size());
}

double brier(std::span<const double> p, std::span<const float> labels) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += (p[i] - labels[i]) * (p[i] - labels[i]);
  return sum / static_cast<double>(p.size());
}

double calibration_error(std::span<const double> p, std::span<const float> labels, std::size_t n_bins) {
  const auto order = ascending(p);
  double error = 0;
  for (std::size_t b = 0; b < n_bins; ++b) {
    const std::size_t first = b * p.size() / n_bins, last = (b + 1) * p.size() / n_bins;
    double gap = 0;
    for (std::size_t i = first; i < last; ++i) gap += p[order[i]] - labels[order[i]];
    error += std::abs(gap);
  }
  return error / static_cast<double>(p.size());
}

}  // namespace sluice
