#include "sluice/bundle/calibration.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sluice/base/json_fields.h"
#include "sluice/base/number.h"

namespace sluice::cascade {
namespace {

Platt read_platt(const Json& json, const std::string& pointer, const std::string& source,
                 std::vector<Diagnostic>& out) {
  JsonFields fields(json, pointer, source, "calibration", out);
  fields.word("kind", "platt", {"platt"});
  for (const char* key : {"slope", "intercept"}) fields.require(key);
  const Platt platt{fields.number("slope", 1, 1e-9), fields.number("intercept", 0)};
  fields.finish();
  return platt;
}

Json platt_json(const Platt& platt) {
  return {{"kind", "platt"}, {"slope", platt.slope}, {"intercept", platt.intercept}};
}

/// Platt's targets lie inside (0, 1), so that separable data has a finite fit.
struct PlattTargets {
  double high = 1, low = 0;

  double of(float label) const { return label > 0.5f ? high : low; }

  /// Sum of cross-entropies, ln(1 + e^z) - t z.
  double loss(const Platt& fit, std::span<const float> margins, std::span<const float> labels) const {
    double sum = 0;
    for (std::size_t i = 0; i < margins.size(); ++i) {
      const double z = fit.slope * static_cast<double>(margins[i]) + fit.intercept;
      sum += std::max(z, 0.0) + std::log1p(exp_fixed(-std::abs(z))) - of(labels[i]) * z;
    }
    return sum;
  }
};

std::pair<double, double> newton_step(const Platt& fit, const PlattTargets& targets, std::span<const float> margins,
                                      std::span<const float> labels) {
  constexpr double kRidge = 1e-9;
  double g0 = 0, g1 = 0, h00 = kRidge, h01 = 0, h11 = kRidge;
  for (std::size_t i = 0; i < margins.size(); ++i) {
    const double m = margins[i], p = fit.probability(margins[i]), d = p - targets.of(labels[i]), w = p * (1 - p);
    g0 += d * m;
    g1 += d;
    h00 += w * m * m;
    h01 += w * m;
    h11 += w;
  }
  const double determinant = h00 * h11 - h01 * h01;
  return {(h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant};
}

}  // namespace

double Platt::probability(float margin) const { return sigmoid(slope * static_cast<double>(margin) + intercept); }

std::string Calibration::to_json() const {
  return Json{{"forest", platt_json(forest)}, {"network", platt_json(network)}}.dump(1) + "\n";
}

Calibration Calibration::from_json(std::string_view text, std::string_view source_view) {
  const std::string source(source_view);
  const Json json = parse_json(text, source, "calibration.json");
  std::vector<Diagnostic> diagnostics;
  JsonFields fields(json, "", source, "calibration", diagnostics);
  Calibration calibration;
  if (const Json* forest = fields.child("forest"))
    calibration.forest = read_platt(*forest, "/forest", source, diagnostics);
  if (const Json* network = fields.child("network"))
    calibration.network = read_platt(*network, "/network", source, diagnostics);
  fields.finish();
  throw_if_errors(diagnostics);
  return calibration;
}

Platt fit_platt(std::span<const float> margins, std::span<const float> labels) {
  double n_positive = 0;
  for (const float y : labels) n_positive += y;
  const double n_negative = static_cast<double>(labels.size()) - n_positive;
  if (n_positive < 1 || n_negative < 1) return {};
  const PlattTargets targets{(n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2)};
  Platt fit;
  double loss = targets.loss(fit, margins, labels);
  for (int step = 0; step < 100; ++step) {
    const auto [slope_step, intercept_step] = newton_step(fit, targets, margins, labels);
    Platt next;
    double next_loss = INFINITY, share = 1;
    // A full step may overshoot where the sigmoid is flat (Lin, Lin and Weng, 2007). If no share of the step reduces
    // the loss, this is the minimum.
    for (; share > 1e-10 && !(next_loss < loss); share /= 2) {
      next = {fit.slope - share * slope_step, fit.intercept - share * intercept_step};
      next_loss = targets.loss(next, margins, labels);
    }
    if (!(next_loss < loss)) break;
    fit = next;
    loss = next_loss;
  }
  const bool usable = std::isfinite(fit.slope) && std::isfinite(fit.intercept) && fit.slope > 1e-6;
  return usable ? fit : Platt{};
}

}  // namespace sluice::cascade
