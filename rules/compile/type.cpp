#include "sluice/rules/compile/type.h"

#include <algorithm>

#include "sluice/base/diagnostic.h"

namespace sluice::rules {
namespace {

struct UnitOfTime {
  const char *plural, *singular;
  double seconds;
};
constexpr UnitOfTime kUnitsOfTime[] = {
    {"seconds", "second", 1}, {"minutes", "minute", 60}, {"hours", "hour", 3600}, {"days", "day", 86400}};

}  // namespace

bool is_currency(std::string_view unit) {
  return unit.size() == 3 && std::all_of(unit.begin(), unit.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

std::string canonical_unit(std::string_view unit) {
  for (const auto& known : kUnitsOfTime)
    if (unit == known.singular) return known.plural;
  return std::string(unit);
}

std::optional<double> seconds_in(std::string_view unit) {
  for (const auto& known : kUnitsOfTime)
    if (unit == known.plural) return known.seconds;
  return std::nullopt;
}

std::string to_string(const Type& type) {
  switch (type.kind) {
    case Type::Kind::invalid:
      return "?";
    case Type::Kind::boolean:
      return "bool";
    case Type::Kind::time:
      return "time";
    case Type::Kind::category:
      return "category";
    case Type::Kind::id:
      return "id";
    case Type::Kind::text:
    case Type::Kind::words:
      return "text";
    case Type::Kind::number:
      break;
  }
  if (type.unit.empty()) return type.is_whole ? "int" : "double";
  const char* family = seconds_in(type.unit) ? "duration" : is_currency(type.unit) ? "money" : "double";
  return std::string(family) + "[" + excerpt(type.unit) + "]";
}

Type type_of(const Column& column) {
  switch (column.kind) {
    case sluice::Kind::number:
      return {Type::Kind::number, canonical_unit(column.unit)};
    case sluice::Kind::category:
      return {Type::Kind::category, {}, &column};
    case sluice::Kind::id:
      return {Type::Kind::id};
    case sluice::Kind::time:
      return {Type::Kind::time};
  }
  return {};
}

}  // namespace sluice::rules
