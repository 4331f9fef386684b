#include "sluice/rules/compile/functions.h"

#include <algorithm>
#include <limits>

#include "sluice/rules/compile/words.h"
#include "sluice/rules/ruleset.h"

namespace sluice::rules {
namespace {

using Kind = Type::Kind;

struct Function {
  std::string_view name;
  Op op;
  std::size_t min_arguments, max_arguments;
};
constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();
constexpr Function kFunctions[] = {
    {"is_missing", Op::is_missing, 1, 1},
    {"coalesce", Op::coalesce, 2, kAnyNumber},
    {"abs", Op::abs, 1, 1},
    {"min", Op::min, 2, kAnyNumber},
    {"max", Op::max, 2, kAnyNumber},
    {"floor", Op::floor, 1, 1},
    {"round", Op::round, 1, 1},
    {"int", Op::to_int, 1, 1},
    {"double", Op::to_double, 1, 1},
    {"year", Op::year, 1, 1},
    {"month", Op::month, 1, 1},
    {"day", Op::day, 1, 1},
    {"hour", Op::hour, 1, 1},
    {"weekday", Op::weekday, 1, 1},
    {"seconds", Op::seconds, 1, 1},
    {"minutes", Op::minutes, 1, 1},
    {"hours", Op::hours, 1, 1},
    {"days", Op::days, 1, 1},
    {"startsWith", Op::starts_with, 2, 2},
    {"endsWith", Op::ends_with, 2, 2},
    {"contains", Op::contains, 2, 2},
    {"matches", Op::matches, 2, 2},
    {"lower", Op::lower, 1, 1},
    {"upper", Op::upper, 1, 1},
    {"size", Op::size, 1, 1},
};

const Type kBoolean{Kind::boolean};
const Type kWhole{.kind = Kind::number, .is_whole = true};

std::string meant_function(const std::string& word) {
  std::vector<std::string> names = {"time", "timestamp", "duration"};
  std::string list;
  for (const Function& f : kFunctions) names.emplace_back(f.name), list += std::string(f.name) + ", ";
  const std::string meant = nearest(word, names);
  return meant.empty() ? "use one of " + list + "time, timestamp, duration" : "did you mean " + meant + "?";
}

}  // namespace

Type FunctionChecker::check(Node& node) {
  const auto* function = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                      [&](const Function& f) { return f.name == node.text; });
  if (function == std::end(kFunctions))
    return fault("unknown_function", node.at, "unknown function " + quote(node.text), meant_function(node.text));
  node.op = function->op;
  const std::size_t n = node.children.size();
  if (n < function->min_arguments || n > function->max_arguments) {
    const std::string wanted = function->max_arguments == 1   ? "one argument"
                               : function->max_arguments == 2 ? "two arguments"
                                                              : "at least two arguments";
    return fault("arguments", node.at, node.text + " takes " + wanted + ", not " + std::to_string(n));
  }
  if (node.op == Op::is_missing) return is_missing(node);
  if (node.op == Op::coalesce) return unify_.common(node.children, "replaced by");
  if (node.op >= Op::starts_with) return words(node);
  if (node.op >= Op::seconds) return duration(node);
  if (node.op >= Op::year) return calendar(node);
  return node.op >= Op::to_int ? conversion(node) : number(node);
}

Type FunctionChecker::is_missing(Node& node) {
  const Node& of = child(node, 0);
  if (of.type.is(Kind::text)) fault("type", of.at, "a text is never missing");
  if (of.type.is(Kind::words)) fault("type", of.at, "test whether the column is missing, not a text made from it");
  return kBoolean;
}

Type FunctionChecker::number(Node& node) {
  const bool is_one = node.children.size() == 1;
  const Type type = is_one ? child(node, 0).type : unify_.common(node.children, "compared with");
  const bool has_order = !is_one && type.is(Kind::time);
  return type.is(Kind::number) || type.is(Kind::invalid) || has_order
             ? type
             : fault("type", node.at, node.text + " needs a number, not " + to_string(type));
}

Type FunctionChecker::conversion(Node& node) {
  const Type& from = child(node, 0).type;
  if (from.is(Kind::invalid)) return {};
  if (!from.is(Kind::number) || !from.unit.empty())
    return fault("type", node.at, node.text + " needs a number without a unit, not " + to_string(from));
  return {.kind = Kind::number, .is_whole = node.op == Op::to_int};
}

Type FunctionChecker::duration(Node& node) {
  const Type& from = child(node, 0).type;
  if (from.is(Kind::invalid)) return {};
  if (!from.is(Kind::number) || !from.unit.empty())
    return fault("type", node.at, node.text + " needs a number without a unit, not " + to_string(from));
  return {.kind = Kind::number, .unit = node.text};
}

Type FunctionChecker::calendar(Node& node) {
  const Type& from = child(node, 0).type;
  if (from.is(Kind::invalid)) return {};
  return from.is(Kind::time) ? kWhole : fault("type", node.at, node.text + " needs a time, not " + to_string(from));
}

Type FunctionChecker::words(Node& node) {
  const Type from = child(node, 0).type;
  if (from.is(Kind::invalid)) return {};
  if (from.is(Kind::id))
    return fault("type", node.at, node.text + " needs a text; a row has only the hash of an id",
                 "make the column a category with a vocabulary, or list the ids: x in [\"...\"]");
  if (!from.is(Kind::category) && !from.is(Kind::words))
    return fault("type", node.at, node.text + " needs a category, not " + to_string(from));
  if (node.children.size() == 2) return takes_text(node) ? kBoolean : Type{};
  if (node.op == Op::size) return kWhole;
  return {.kind = Kind::words,
          .category = from.category,
          .texts = std::make_shared<const std::vector<std::string>>(changed(node.op, texts_of(from)))};
}

bool FunctionChecker::takes_text(Node& node) {
  const Node& argument = child(node, 1);
  if (argument.kind != NodeKind::text) {
    fault("type", argument.at, node.text + " needs a text in quotes as its second argument");
    return false;
  }
  return node.op != Op::matches || is_pattern(argument);
}

bool FunctionChecker::is_pattern(const Node& text) {
  if (++n_patterns_ > kMaxPatterns) {
    fault("pattern", text.at, "a rule set has at most " + std::to_string(kMaxPatterns) + " regular expressions",
          "define repeated ones as derived fields");
    return false;
  }
  const std::string wrong = fault_of_pattern(text.text);
  if (!wrong.empty())
    fault("pattern", text.at, "this is not a regular expression of RE2: " + excerpt(wrong, 200),
          "RE2 has no back references and no look-around; https://github.com/google/re2/wiki/Syntax");
  return wrong.empty();
}

Type FunctionChecker::fault(const char* kind, std::size_t at, std::string message, std::string hint) {
  faults_.add(kind, at, std::move(message), std::move(hint));
  return {};
}

}  // namespace sluice::rules
