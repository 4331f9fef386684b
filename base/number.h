#pragma once
/// Numbers as text, and the few elementary functions whose bits must not depend on the machine.

#include <string>
#include <string_view>

namespace sluice {

/// The shortest text that reads back to the same bits ("nan", "inf", "-inf" for the rest).
void append_number(std::string& out, double value);
void append_number(std::string& out, float value);
std::string number_text(double value);
std::string number_text(float value);

/// Reads the number that `text` begins with, rounded correctly to the nearest double. Returns how many bytes it takes;
/// 0 where no number stands there.
std::size_t take_number(std::string_view text, double& value);

/// e^x by Cody–Waite reduction and a fixed polynomial: the same bits on every machine, within 2 ulp of the true value.
double exp_fixed(double x);
/// 1 / (1 + e^-x), by exp_fixed.
double sigmoid(double x);
/// ln(p / (1 - p)); p is clamped to [1e-15, 1 - 1e-15].
double logit(double p);

}  // namespace sluice
