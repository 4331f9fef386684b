#include "sluice/dnn/parity.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/base/number.h"

namespace sluice::dnn {

double largest_probability_difference(const Executor& exact, const Executor& other, BatchView encoded) {
  std::vector<float> expected(encoded.n_rows), actual(encoded.n_rows);
  exact.forward(encoded, expected);
  other.forward(encoded, actual);
  double largest = 0;
  for (std::size_t i = 0; i < encoded.n_rows; ++i) {
    const bool is_finite = std::isfinite(expected[i]);
    if (is_finite != std::isfinite(actual[i]))
      largest = 1;
    else if (is_finite)
      largest = std::max(largest, std::abs(sigmoid(expected[i]) - sigmoid(actual[i])));
  }
  return largest;
}

void require_parity(const Executor& exact, const Executor& other, BatchView encoded, double bound) {
  if (encoded.n_rows == 0) throw Error("device.parity", "there is no row to compare the kernels on");
  const double difference = largest_probability_difference(exact, other, encoded);
  if (!(difference <= bound))
    throw Error("device.parity",
                "probabilities of the " + std::string(other.kernel()) + " kernel are off by up to " +
                    number_text(difference) + "; " + number_text(bound) + " is allowed",
                "serve this network with the " + std::string(exact.kernel()) + " kernel");
}

}  // namespace sluice::dnn
