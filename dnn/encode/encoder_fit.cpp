#include <algorithm>
#include <cmath>
#include <utility>

#include "sluice/dnn/encoder.h"

namespace sluice::dnn {
namespace {

constexpr std::size_t kMaxKnots = 48;

/// The normal quantile by Acklam's rational approximation (relative error below 1.2e-9).
double normal_quantile(double p) {
  constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                          1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02, 6.680131188771972e+01,
                          -1.328068155288572e+01};
  constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                          -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00};
  constexpr double kLow = 0.02425;
  if (p > 1 - kLow) return -normal_quantile(1 - p);
  if (p < kLow) {
    const double q = std::sqrt(-2 * std::log(p));
    return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
           ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
  }
  const double q = p - 0.5, r = q * q;
  return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
         (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

/// Knots at distinct quantiles. A knot's score is the normal quantile of the middle of its rank range, so that a column
/// with few distinct values (a count, a status) gets one knot for each.
void fit_knots(std::vector<float> sorted, Encoder::Number& number) {
  if (sorted.empty() || sorted.front() == sorted.back()) return;
  const std::size_t n = sorted.size();
  float previous = 0;
  for (std::size_t k = 0; k < kMaxKnots; ++k) {
    const std::size_t rank = k * (n - 1) / (kMaxKnots - 1);
    const float value = sorted[rank];
    if (!number.values.empty() && value == previous) continue;
    const auto range = std::equal_range(sorted.begin(), sorted.end(), value);
    const double middle = 0.5 * static_cast<double>((range.first - sorted.begin()) + (range.second - sorted.begin())) /
                          static_cast<double>(n);
    number.values.push_back(previous = value);
    number.scores.push_back(static_cast<float>(
        normal_quantile(std::clamp(middle, 0.5 / static_cast<double>(n), 1 - 0.5 / static_cast<double>(n)))));
  }
}

Encoder::Number fit_number(std::size_t column, RowsView rows) {
  Encoder::Number number{.column = column};
  std::vector<float> finite;
  finite.reserve(rows.n_rows);
  for (std::size_t i = 0; i < rows.n_rows; ++i) {
    const auto x = static_cast<float>(rows.row(i)[column]);
    if (std::isnan(x))
      number.has_missing_flag = true;
    else if (std::isfinite(x))
      finite.push_back(x);
  }
  std::sort(finite.begin(), finite.end());
  fit_knots(std::move(finite), number);
  return number;
}

Encoder::Scale fit_scale(std::size_t column, BatchView forest) {
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < forest.n_rows; ++i) sum += forest.row(i)[column];
  const double n = std::max<double>(1, static_cast<double>(forest.n_rows)), mean = sum / n;
  for (std::size_t i = 0; i < forest.n_rows; ++i) {
    const double distance = forest.row(i)[column] - mean;
    squares += distance * distance;
  }
  const double deviation = std::sqrt(squares / n);
  return {static_cast<float>(mean), deviation > 1e-6 ? static_cast<float>(deviation) : 1.0f};
}

}  // namespace

Encoder Encoder::fit(const Schema& schema, RowsView rows, std::span<const PrefixMargins> forest) {
  return fit(schema, rows, BatchView(forest.empty() ? nullptr : forest[0].data(), forest.size(), kTreePrefixes.size()));
}

Encoder Encoder::fit(const Schema& schema, RowsView rows, BatchView forest, std::vector<ForestSignal> signals) {
  Encoder encoder;
  encoder.signals_ = std::move(signals);
  for (const std::size_t column : schema.network_columns()) {
    if (schema[column].kind == Kind::number) {
      encoder.numbers_.push_back(fit_number(column, rows));
    } else {
      encoder.categories_.push_back({column, schema[column].vocabulary.size()});
    }
  }
  for (std::size_t s = 0; s < forest.n_columns; ++s) encoder.forest_.push_back(fit_scale(s, forest));
  encoder.count_dense();
  return encoder;
}

}  // namespace sluice::dnn
