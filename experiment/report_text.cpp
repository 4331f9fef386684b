#include "sluice/experiment/report_text.h"

#include <cmath>

#include "sluice/report/numbers.h"

namespace sluice::experiment {
namespace {

Estimate scaled(const Estimate& e, double factor) {
  return {.n = e.n, .value = factor * e.value, .low = factor * e.low, .high = factor * e.high};
}

std::string with_interval(const Estimate& e, int decimals, const char* unit) {
  if (std::isnan(e.value)) return decimal(e.value, decimals);
  std::string text = decimal(e.value, decimals) + unit;
  if (std::isfinite(e.low)) text += " (" + decimal(e.low, decimals) + " to " + decimal(e.high, decimals) + ")";
  return text;
}

}  // namespace

std::string percent_text(const Estimate& estimate) { return with_interval(scaled(estimate, 100), 1, " %"); }

std::string p_text(double p) { return p < 0.0001 ? "< 0.0001" : "= " + decimal(p, 4); }

std::string value_text(const Estimate& estimate) {
  const double size = std::abs(estimate.value);
  return with_interval(estimate, size >= 1000 ? 0 : size >= 10 ? 2 : 4, "");
}

Estimate total_difference(const ArmFigures& arm) {
  return scaled(arm.cost_difference, static_cast<double>(arm.n_labelled));
}

}  // namespace sluice::experiment
