#include <algorithm>
#include <cmath>
#include <limits>

#include "sluice/base/error.h"
#include "sluice/base/random.h"
#include "sluice/bundle/calibration.h"
#include "sluice/bundle/costs.h"
#include "support/catch.h"

namespace sluice::test {
namespace {

using namespace cascade;

double expected_cost(const Costs& costs, Action action, double p) {
  return p * costs.of(action, true) + (1 - p) * costs.of(action, false);
}

/// Cross-entropy against Platt's smoothed targets, written from the paper.
double platt_loss(double slope, double intercept, const std::vector<float>& margins, const std::vector<float>& labels) {
  const auto n1 = static_cast<double>(std::count(labels.begin(), labels.end(), 1.0f)),
             n0 = static_cast<double>(labels.size()) - n1;
  double sum = 0;
  for (std::size_t i = 0; i < margins.size(); ++i) {
    const double t = labels[i] > 0.5f ? (n1 + 1) / (n1 + 2) : 1 / (n0 + 2), z = slope * margins[i] + intercept;
    sum += t * std::log1p(std::exp(-z)) + (1 - t) * std::log1p(std::exp(z));
  }
  return sum;
}

}  // namespace

TEST_CASE("the cut-offs choose the cheapest action for every probability") {
  Random random(1);
  for (int k = 0; k < 300; ++k) {
    Costs costs{.false_positive = std::exp(random.normal() * 2), .false_negative = std::exp(random.normal() * 2)};
    if (k % 3) costs.review = std::exp(random.normal() * 2 - 1);
    const Cutoffs cutoffs = costs.cutoffs();
    CAPTURE(costs.to_json());
    for (double p = 0.0005; p < 1; p += 0.001) {
      double least = std::min(expected_cost(costs, Action::approve, p), expected_cost(costs, Action::decline, p));
      if (costs.review) least = std::min(least, expected_cost(costs, Action::review, p));
      REQUIRE(expected_cost(costs, cutoffs.decide(p), p) == Approx(least).epsilon(1e-9));
    }
  }
}

TEST_CASE("costs read back as written, and invalid ones are refused") {
  const Costs costs{.false_positive = 1.5, .false_negative = 20, .review = 0.25, .network_call = 0.01};
  CHECK(Costs::from_json(costs.to_json(), "costs.json").to_json() == costs.to_json());
  CHECK_FALSE(
      Costs::from_json(R"({"false_positive": 1, "false_negative": 2, "review": null})", "c").review.has_value());
  for (const char* bad :
       {"", "[]", "{}", R"({"false_positive": 1})", R"({"false_positive": -1, "false_negative": 2})",
        R"({"false_positive": 0, "false_negative": 2})", R"({"false_positive": "1", "false_negative": 2})",
        R"({"false_positive": NaN, "false_negative": 2})",
        R"({"false_positive": 1, "false_negative": 2, "rewiev": 1})"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(Costs::from_json(bad, "costs.json"), Error);
  }
}

TEST_CASE("no point of a fine grid around Platt's fit has a higher likelihood") {
  Random random(2);
  for (int k = 0; k < 60; ++k) {
    const double slope = std::exp(random.uniform(-4, 2)), intercept = random.normal() * 2,
                 scale = std::exp(random.uniform(-1, 3));
    std::vector<float> margins, labels;
    for (int i = 0; i < 400; ++i) {
      margins.push_back(static_cast<float>(random.normal() * scale));
      labels.push_back(random.uniform() < 1 / (1 + std::exp(-slope * margins.back() - intercept)) ? 1.0f : 0.0f);
    }
    const auto n1 = std::count(labels.begin(), labels.end(), 1.0f);
    const Platt fit = fit_platt(margins, labels);
    if (n1 == 0 || n1 == 400 || (fit.slope == 1 && fit.intercept == 0)) continue;
    const double loss = platt_loss(fit.slope, fit.intercept, margins, labels);
    CAPTURE(k, slope, intercept, scale, fit.slope, fit.intercept);
    for (double a = 0.02; a < 20; a *= 1.05)
      for (double b = -6; b <= 6; b += 0.25)
        REQUIRE(platt_loss(fit.slope * a, fit.intercept + b, margins, labels) >= loss - 1e-6);
  }
}

TEST_CASE("a fit far from the identity is found, although a full Newton step overshoots") {
  Random random(3);
  std::vector<float> margins, labels;
  for (int i = 0; i < 1000; ++i) {
    margins.push_back(static_cast<float>(random.normal() * 40));
    labels.push_back(random.uniform() < 1 / (1 + std::exp(-0.03 * margins.back())) ? 1.0f : 0.0f);
  }
  const Platt fit = fit_platt(margins, labels);
  CHECK(fit.slope == Approx(0.03).margin(0.01));
  CHECK(platt_loss(fit.slope, fit.intercept, margins, labels) < platt_loss(1, 0, margins, labels));
}

TEST_CASE("calibration is the identity if there is nothing to fit, and always monotone") {
  const auto is_identity = [](const Platt& p) { return p.slope == 1 && p.intercept == 0; };
  CHECK(is_identity(fit_platt({}, {})));
  CHECK(is_identity(fit_platt(std::vector<float>{1, 2}, std::vector<float>{1, 1})));
  CHECK(is_identity(fit_platt(std::vector<float>{1, 2}, std::vector<float>{0, 0})));
  CHECK(is_identity(fit_platt(std::vector<float>{-1, -2, 1, 2},
                              std::vector<float>{1, 1, 0, 0})));  // the fit would reverse the ranking
  const std::vector<float> margins = {-2, -1, 1, 2},
                           labels = {0, 0, 1, 1};  // separable: the smoothed targets keep the fit finite
  const Platt fit = fit_platt(margins, labels);
  double last = -1;
  for (float m = -30; m < 30; m += 0.25f) {
    const double p = fit.probability(m);
    REQUIRE(p >= last);
    REQUIRE((p >= 0 && p <= 1));
    last = p;
  }
  const Calibration calibration{fit, {0.1, -3}};
  const Calibration back = Calibration::from_json(calibration.to_json(), "c");
  CHECK(back.forest.slope == fit.slope);
  CHECK(back.network.intercept == -3);
  for (const char* bad :
       {"", "5", R"({"forest": {"slope": 0, "intercept": 0}})", R"({"forest": {"slope": -1, "intercept": 0}})",
        R"({"forest": {"slope": 1}})", R"({"forst": {}})"})
    CHECK_THROWS_AS(Calibration::from_json(bad, "calibration.json"), Error);
}

}  // namespace sluice::test
