#pragma once
// The types of expressions, and the units of their numbers.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/schema.h"

namespace sluice::rules {

struct Type {
  // invalid: an error is already reported
  enum class Kind : std::uint8_t { invalid, boolean, number, time, category, id, text };
  Kind kind = Kind::invalid;
  std::string unit;                  // of a number; empty for none
  const Column* category = nullptr;  // whose vocabulary a category's codes are of

  bool is(Kind wanted) const { return kind == wanted; }
};

/// "seconds", "minutes", "hours" or "days" for these and their singulars; any other unit as it is.
std::string canonical_unit(std::string_view unit);

/// Seconds in one unit of time; nullopt for other units.
std::optional<double> seconds_in(std::string_view unit);

/// As messages spell it: "bool", "double", "money[USD]" (a unit of three capitals), "duration[days]", "double[km]",
/// "category", "id", "time", "text".
std::string to_string(const Type& type);

Type type_of(const Column& column);

}  // namespace sluice::rules
