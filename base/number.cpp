#include "sluice/base/number.h"

#include <fast_float/fast_float.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

namespace sluice {
namespace {

template <class T>
void append(std::string& out, T value) {
  if (std::isnan(value)) {
    out += "nan";
    return;
  }
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
}

}  // namespace

void append_number(std::string& out, double value) { append(out, value); }
void append_number(std::string& out, float value) { append(out, value); }

std::string number_text(double value) {
  std::string text;
  append(text, value);
  return text;
}

std::string number_text(float value) {
  std::string text;
  append(text, value);
  return text;
}

std::size_t take_number(std::string_view text, double& value) {
  const auto [end, error] = fast_float::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? static_cast<std::size_t>(end - text.data()) : 0;
}

// x = k ln2 + r with |r| <= ln2 / 2; ln2 is split in two so that k * kLn2High is exact. The polynomial is the Taylor
// series to degree 13, whose remainder at |r| = 0.3466 is below 1e-17.
double exp_fixed(double x) {
  constexpr double kLog2E = 1.4426950408889634, kLn2High = 6.93147180369123816490e-01,
                   kLn2Low = 1.90821492927058770002e-10;
  if (std::isnan(x)) return x;
  if (x > 709.0) return std::numeric_limits<double>::infinity();
  if (x < -708.0) return 0.0;
  const double k = std::floor(x * kLog2E + 0.5);
  const double r = (x - k * kLn2High) - k * kLn2Low;
  constexpr double kInverseFactorials[] = {
      1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
      1.0 / 720,        1.0 / 120,       1.0 / 24,       1.0 / 6,       1.0 / 2,      1.0,         1.0};
  double sum = 0;
  for (const double c : kInverseFactorials) sum = sum * r + c;
  const auto exponent = static_cast<std::uint64_t>(static_cast<std::int64_t>(k) + 1023) << 52;
  return sum * std::bit_cast<double>(exponent);
}

double sigmoid(double x) { return 1.0 / (1.0 + exp_fixed(-x)); }

double logit(double p) {
  constexpr double kSmallest = 1e-15;
  p = std::clamp(p, kSmallest, 1.0 - kSmallest);
  return std::log(p / (1.0 - p));
}

}  // namespace sluice
