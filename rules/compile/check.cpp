#include "sluice/rules/compile/check.h"

#include <algorithm>

#include "sluice/rules/compile/functions.h"
#include "sluice/rules/compile/units.h"

namespace sluice::rules {
namespace {

using Kind = Type::Kind;

const Type kBoolean{Kind::boolean};

class Checker {
 public:
  Checker(Ast& ast, std::string_view text, const Names& names, Faults& faults)
      : ast_(ast),
        names_(names),
        faults_(faults),
        unify_(ast, text, faults),
        functions_(ast, unify_, faults, names.n_patterns) {}

  void run() {
    for (Node& node : ast_.nodes) node.type = type_of_node(node);
  }

 private:
  Type type_of_node(Node& node) {
    switch (node.kind) {
      case NodeKind::boolean:
        return kBoolean;
      case NodeKind::number:
        return {Kind::number, node.type.unit};
      case NodeKind::text:
        return {Kind::text};
      case NodeKind::time:
        return {Kind::time};
      case NodeKind::name:
        return name(node);
      case NodeKind::list:
        return list(node);
      case NodeKind::call:
        return functions_.check(node);
      case NodeKind::operation:
        return operation(node);
    }
    return {};
  }

  Type name(Node& node) {
    const Definitions& known = names_.definitions;
    const auto column = names_.schema.find(node.text);
    const auto given = given_name(node.text);
    if (given && given != kNow && column && names_.phase == Phase::post)
      return fault("ambiguous", node.at, quote(node.text) + " is both a column and an output of the models",
                   "rename the column");
    if (column) return means(node, Op::cell, *column, rules::type_of(names_.schema[*column]));
    if (given && is_given(*given, names_.phase))
      return means(node, Op::given, *given, {given == kNow ? Kind::time : Kind::number});
    if (given)
      return fault("phase", node.at, "\"" + node.text + "\" is unknown before the models have run",
                   "only post rules can read it");
    if (const auto found = known.constants.find(node.text); found != known.constants.end())
      return constant(node, found->second);
    if (const auto found = known.derived_names.find(node.text); found != known.derived_names.end())
      return means(node, Op::derived, found->second, known.derived[found->second].type);
    if (known.lists.contains(node.text))
      return fault("type", node.at, quote(node.text) + " is a list", "write x in " + excerpt(node.text));
    return fault("unknown_column", node.at, "the schema has no column " + quote(node.text), meant_name(node.text));
  }

  static Type means(Node& node, Op op, std::size_t index, Type type) {
    node.op = op;
    node.index = index;
    return type;
  }

  static Type constant(Node& node, const Node& literal) {
    node.kind = literal.kind;
    node.value = literal.value;
    node.text = literal.text;
    node.is_integral = literal.is_integral;
    return literal.type;
  }

  Type list(Node& node) {
    const auto found = names_.definitions.lists.find(node.text);
    if (found == names_.definitions.lists.end()) {
      const std::string meant = meant_list(node.text);
      return fault("unknown_list", node.at, "there is no list " + quote(node.text),
                   meant.empty() ? "define the list under \"lists\", or write it in brackets: x in [1, 2]"
                                 : "did you mean " + meant + "?");
    }
    node.index = found->second.set;
    return found->second.type;
  }

  std::string meant_list(const std::string& word) const {
    if (!faults_.suggests()) return {};
    std::vector<std::string> names;
    for (const auto& [name, list] : names_.definitions.lists) names.push_back(name);
    return nearest(word, names);
  }

  std::string meant_name(const std::string& word) const {
    if (!faults_.suggests()) return {};
    std::vector<std::string> names;
    for (const Column& column : names_.schema.columns()) names.push_back(column.name);
    for (const auto& [name, literal] : names_.definitions.constants) names.push_back(name);
    for (const auto& [name, index] : names_.definitions.derived_names) names.push_back(name);
    for (std::size_t i = 0; i < kGivenNames.size(); ++i)
      if (is_given(i, names_.phase)) names.emplace_back(kGivenNames[i]);
    const std::string meant = nearest(word, names);
    return meant.empty() ? "write a word of a category in quotes" : "did you mean " + meant + "?";
  }

  Type operation(Node& node) {
    switch (node.op) {
      case Op::logical_not:
      case Op::logical_and:
      case Op::logical_or:
        for (const std::size_t i : node.children) want_boolean(ast_.nodes[i]);
        return kBoolean;
      case Op::conditional:
        want_boolean(child(node, 0));
        return unify_.common(std::span(node.children).subspan(1), "an alternative to");
      case Op::in:
        if (unify_.common(node.children, "compared with").is(Kind::words)) want_texts(node);
        return kBoolean;
      case Op::negate:
        return arithmetic_operand(child(node, 0));
      default:
        return is_comparison(node.op) ? comparison(node) : arithmetic(node);
    }
  }

  void want_boolean(const Node& operand) {
    if (operand.type.is(Kind::boolean) || operand.type.is(Kind::invalid)) return;
    fault("type", operand.at, "expected a bool, not " + to_string(operand.type), "compare it with something");
  }

  Type comparison(Node& node) {
    const Type &left = child(node, 0).type, &right = child(node, 1).type;
    const bool has_order = node.op != Op::equal && node.op != Op::not_equal;
    const bool two_categories = left.is(Kind::category) && right.is(Kind::category);
    if (two_categories && !has_order) {
      node.op = node.op == Op::equal ? Op::same_word : Op::other_word;
      return kBoolean;
    }
    const Type type = unify_.common(node.children, "compared with", &node.at);
    if (type.is(Kind::words)) want_texts(node);
    if (has_order && !type.is(Kind::number) && !type.is(Kind::time) && !type.is(Kind::invalid))
      fault("type", node.at, to_string(type) + " has no order", "compare with ==, != or in");
    return kBoolean;
  }

  /// Texts that functions return may only be compared with texts in quotes.
  void want_texts(const Node& node) {
    const auto n = std::count_if(node.children.begin(), node.children.end(),
                                 [&](std::size_t i) { return ast_.nodes[i].kind != NodeKind::text; });
    if (n > 1)
      fault("type", node.at, "two texts that functions return cannot be compared", "compare one with a text in quotes");
  }

  Type arithmetic_operand(const Node& operand) {
    if (operand.type.is(Kind::number) || operand.type.is(Kind::invalid)) return operand.type;
    return fault("type", operand.at, "expected a number, not " + to_string(operand.type));
  }

  Type arithmetic(Node& node) {
    const Type left = child(node, 0).type, right = child(node, 1).type;
    if (left.is(Kind::invalid) || right.is(Kind::invalid)) return {};
    if (left.is(Kind::time) || right.is(Kind::time)) return time_arithmetic(node, left, right);
    const Type type = arithmetic_operand(child(node, 0)), other = arithmetic_operand(child(node, 1));
    if (type.is(Kind::invalid) || other.is(Kind::invalid)) return {};
    switch (node.op) {
      case Op::multiply:
        if (!left.unit.empty() && !right.unit.empty())
          return fault("unit", node.at, to_string(left) + " cannot be multiplied by " + to_string(right),
                       "one factor of a product has no unit");
        if (left.is_whole || right.is_whole) return unify_.common(node.children, "multiplied by", &node.at);
        return left.unit.empty() ? right : left;
      case Op::divide:
        if (left.is_whole || right.is_whole) return unify_.common(node.children, "divided by", &node.at);
        if (right.unit.empty()) return left;
        if (left.unit.empty()) return mismatch(node, "divided by");
        return unify_.common(node.children, "divided by", &node.at).is(Kind::number) ? Type{Kind::number} : Type{};
      case Op::add:
        return unify_.common(node.children, "added to", &node.at);
      case Op::subtract:
        return unify_.common(node.children, "reduced by", &node.at);
      default:
        return unify_.common(node.children, "taken modulo", &node.at);
    }
  }

  /// time - time is a duration in seconds; time + duration, duration + time and time - duration are times.
  Type time_arithmetic(Node& node, const Type& left, const Type& right) {
    if (node.op == Op::subtract && left.is(Kind::time) && right.is(Kind::time)) return {Kind::number, "seconds"};
    const bool is_sum = node.op == Op::add && left.kind != right.kind;
    const bool is_difference = node.op == Op::subtract && left.is(Kind::time);
    const std::size_t duration = node.children[left.is(Kind::time) ? 1 : 0];
    if ((is_sum || is_difference) && seconds_in(ast_.nodes[duration].type.unit)) {
      unify_.to_seconds(duration);
      return {Kind::time};
    }
    const std::string where = node.op == Op::add ? "+" : node.op == Op::subtract ? "-" : "a product or ratio";
    return fault("type", node.at, to_string(left) + " and " + to_string(right) + " cannot be combined in " + where,
                 "add a duration to a time or subtract one, such as 30 days");
  }

  Type mismatch(const Node& node, std::string_view verb) {
    unify_.mismatch(node.children[0], node.children[1], verb, node.at);
    return {};
  }
  Type fault(const char* kind, std::size_t at, std::string message, std::string hint = {}) {
    faults_.add(kind, at, std::move(message), std::move(hint));
    return {};
  }
  Node& child(const Node& node, std::size_t i) { return ast_.nodes[node.children[i]]; }

  Ast& ast_;
  const Names& names_;
  Faults& faults_;
  Unifier unify_;
  FunctionChecker functions_;
};

}  // namespace

std::optional<std::size_t> given_name(std::string_view name) {
  const auto found = std::find(kGivenNames.begin(), kGivenNames.end(), name);
  if (found == kGivenNames.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kGivenNames.begin());
}

bool is_given(std::size_t which, Phase phase) { return which == kNow || phase == Phase::post; }

void check(Ast& ast, std::string_view text, const Names& names, Faults& faults) {
  Checker(ast, text, names, faults).run();
}

void check_condition(const Ast& ast, Faults& faults) {
  const Node& root = ast.nodes.back();
  if (!root.type.is(Kind::boolean) && !root.type.is(Kind::invalid))
    faults.add("type", root.at, "the condition is " + to_string(root.type) + ", not bool", "compare it with something");
}

}  // namespace sluice::rules
