#include "sluice/dnn/parity.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/base/number.h"

namespace sluice::dnn {
namespace {

/// Of one row's margins; empty if one of them is not finite.
std::vector<double> probabilities(std::span<const float> margins) {
  for (const float margin : margins)
    if (!std::isfinite(margin)) return {};
  if (margins.size() == 1) return {sigmoid(margins[0])};
  const double largest = *std::max_element(margins.begin(), margins.end());
  std::vector<double> out;
  double sum = 0;
  for (const float margin : margins) sum += out.emplace_back(exp_fixed(static_cast<double>(margin) - largest));
  for (double& p : out) p /= sum;
  return out;
}

}  // namespace

double largest_probability_difference(const Executor& exact, const Executor& other, BatchView encoded) {
  const std::size_t n = exact.n_outputs();
  std::vector<float> expected(encoded.n_rows * n), actual(encoded.n_rows * n);
  exact.forward(encoded, expected);
  other.forward(encoded, actual);
  double largest = 0;
  for (std::size_t i = 0; i < encoded.n_rows; ++i) {
    const auto p = probabilities({&expected[i * n], n}), q = probabilities({&actual[i * n], n});
    if (p.size() != q.size()) largest = 1;
    for (std::size_t k = 0; k < std::min(p.size(), q.size()); ++k) largest = std::max(largest, std::abs(p[k] - q[k]));
  }
  return largest;
}

void require_parity(const Executor& exact, const Executor& other, BatchView encoded, double bound) {
  if (encoded.n_rows == 0) throw Error("device.parity", "there are no rows to compare the kernels on");
  const double difference = largest_probability_difference(exact, other, encoded);
  if (!(difference <= bound))
    throw Error("device.parity",
                "probabilities of the " + std::string(other.kernel()) + " kernel differ by up to " +
                    number_text(difference) + "; " + number_text(bound) + " is the limit",
                "use the " + std::string(exact.kernel()) + " kernel for this network");
}

}  // namespace sluice::dnn
