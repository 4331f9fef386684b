#pragma once
// The types of expressions, and the units of their numbers.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/schema.h"

namespace sluice::rules {

struct Type {
  // invalid: an error has been reported; text: a literal; words: the texts that a function returns for a category's
  // words
  enum class Kind : std::uint8_t { invalid, boolean, number, time, category, id, text, words };
  Kind kind = Kind::invalid;
  std::string unit;                  // of a number; empty for none
  const Column* category = nullptr;  // for a category, the column whose vocabulary its codes belong to
  bool is_whole = false;             // an int: a number without unit, whole, below 2^53
  std::shared_ptr<const std::vector<std::string>> texts = nullptr;  // of words: one per word of the vocabulary

  bool is(Kind wanted) const { return kind == wanted; }
};

/// "seconds", "minutes", "hours" or "days" for these and their singulars; any other unit unchanged.
std::string canonical_unit(std::string_view unit);

/// Seconds in one unit of time; nullopt for other units.
std::optional<double> seconds_in(std::string_view unit);

bool is_currency(std::string_view unit);  // has the form of an ISO 4217 code

/// The name in messages: "bool", "double", "money[USD]" (a unit of three capitals), "duration[days]", "double[km]",
/// "int", "category", "id", "time", "text".
std::string to_string(const Type& type);

Type type_of(const Column& column);

}  // namespace sluice::rules
