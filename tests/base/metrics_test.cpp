#include "sluice/base/metrics.h"

#include <cmath>
#include <vector>

#include "sluice/base/random.h"
#include "support/catch.h"

namespace sluice {
namespace {

double auc_by_pairs(const std::vector<double>& scores, const std::vector<float>& labels) {
  double won = 0, pairs = 0;
  for (std::size_t i = 0; i < scores.size(); ++i)
    for (std::size_t j = 0; j < scores.size(); ++j) {
      if (!(labels[i] == 1 && labels[j] == 0)) continue;
      ++pairs;
      won += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
    }
  return won / pairs;
}

TEST_CASE("AUC is the share of pairs ranked correctly, and ties count half") {
  Random random(1);
  for (int round = 0; round < 60; ++round) {
    const std::uint64_t n = 2 + random.below(80), n_values = 1 + random.below(40);
    std::vector<double> scores = {0.5, 0.5};
    std::vector<float> labels = {0, 1};
    for (std::uint64_t i = 2; i < n; ++i) {
      scores.push_back(static_cast<double>(random.below(n_values)) / 40);
      labels.push_back(static_cast<float>(random.below(2)));
    }
    CAPTURE(round, n, n_values);
    REQUIRE(auc(scores, labels) == Approx(auc_by_pairs(scores, labels)).margin(1e-12));
  }
}

TEST_CASE("metrics equal manually computed values") {
  const std::vector<double> p = {0.1, 0.4, 0.35, 0.8};
  const std::vector<float> labels = {0, 0, 1, 1};
  CHECK(auc(p, labels) == Approx(0.75));
  CHECK(log_loss(p, labels) == Approx(-(std::log(0.9) + std::log(0.6) + std::log(0.35) + std::log(0.8)) / 4));
  CHECK(brier(p, labels) == Approx((0.01 + 0.16 + 0.4225 + 0.04) / 4));
  // Two bins: {0.1, 0.35} against labels {0, 1}, {0.4, 0.8} against {0, 1}.
  CHECK(calibration_error(p, labels, 2) == Approx((0.55 + 0.2) / 4));
  CHECK(std::isnan(auc(p, std::vector<float>{1, 1, 1, 1})));
  CHECK(std::isnan(auc(std::vector<double>{0.1, NAN, 0.35, NAN}, labels)));
}

}  // namespace
}  // namespace sluice
