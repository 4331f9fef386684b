#include "sluice/cascade/calibration.h"

#include <cmath>

#include "sluice/base/json_fields.h"
#include "sluice/base/number.h"

namespace sluice::cascade {
namespace {

Platt read_platt(const Json& json, const std::string& pointer, const std::string& source, std::vector<Diagnostic>& out) {
  JsonFields fields(json, pointer, source, "calibration", out);
  fields.word("kind", "platt", {"platt"});
  for (const char* key : {"slope", "intercept"}) fields.require(key);
  const Platt platt{fields.number("slope", 1, 1e-9), fields.number("intercept", 0)};
  fields.finish();
  return platt;
}

Json platt_json(const Platt& platt) { return {{"kind", "platt"}, {"slope", platt.slope}, {"intercept", platt.intercept}}; }

}  // namespace

double Platt::probability(float margin) const { return sigmoid(slope * static_cast<double>(margin) + intercept); }

std::string Calibration::to_json() const { return Json{{"forest", platt_json(forest)}, {"network", platt_json(network)}}.dump(1) + "\n"; }

Calibration Calibration::from_json(std::string_view text, std::string_view source_view) {
  const std::string source(source_view);
  const Json json = parse_json(text, source, "calibration.json");
  std::vector<Diagnostic> diagnostics;
  JsonFields fields(json, "", source, "calibration", diagnostics);
  Calibration calibration;
  if (const Json* forest = fields.child("forest")) calibration.forest = read_platt(*forest, "/forest", source, diagnostics);
  if (const Json* network = fields.child("network")) calibration.network = read_platt(*network, "/network", source, diagnostics);
  fields.finish();
  throw_if_errors(diagnostics);
  return calibration;
}

Platt fit_platt(std::span<const float> margins, std::span<const float> labels) {
  double n_positive = 0;
  for (const float y : labels) n_positive += y;
  const double n_negative = static_cast<double>(labels.size()) - n_positive;
  if (n_positive < 1 || n_negative < 1) return {};
  const double high = (n_positive + 1) / (n_positive + 2), low = 1 / (n_negative + 2);
  Platt fit;
  for (int step = 0; step < 50; ++step) {
    double g0 = 0, g1 = 0, h00 = 1e-9, h01 = 0, h11 = 1e-9;
    for (std::size_t i = 0; i < margins.size(); ++i) {
      const double m = margins[i], p = fit.probability(margins[i]), d = p - (labels[i] > 0.5f ? high : low), w = p * (1 - p);
      g0 += d * m;
      g1 += d;
      h00 += w * m * m;
      h01 += w * m;
      h11 += w;
    }
    const double determinant = h00 * h11 - h01 * h01;
    if (!(std::abs(determinant) > 1e-12)) break;
    const double slope_step = (h11 * g0 - h01 * g1) / determinant, intercept_step = (h00 * g1 - h01 * g0) / determinant;
    fit.slope -= slope_step;
    fit.intercept -= intercept_step;
    if (std::abs(slope_step) + std::abs(intercept_step) < 1e-10) break;
  }
  const bool usable = std::isfinite(fit.slope) && std::isfinite(fit.intercept) && fit.slope > 1e-6;
  return usable ? fit : Platt{};
}

}  // namespace sluice::cascade
