#pragma once
/// Numbers as text, and the few elementary functions whose bits must not depend on the machine.
/// Thread-safety: all functions are thread-safe.

#include <string>
#include <string_view>

namespace sluice {

/// The shortest text that reads back to the same bits; "nan", "inf" or "-inf" for other values.
void append_number(std::string& out, double value);
void append_number(std::string& out, float value);
std::string number_text(double value);
std::string number_text(float value);

/// Reads the number at the start of `text`, rounded correctly to the nearest double. Returns its length in bytes; 0 if
/// `text` does not start with a number.
std::size_t take_number(std::string_view text, double& value);

/// e^x by Cody–Waite reduction and a fixed polynomial: the same bits on every machine, within 2 ulp of the true value.
double exp_fixed(double x);
/// 1 / (1 + e^-x), by exp_fixed.
double sigmoid(double x);
/// ln(p / (1 - p)); p is clamped to [1e-15, 1 - 1e-15].
double logit(double p);

}  // namespace sluice
