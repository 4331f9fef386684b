#include "sluice/rules/check.h"

#include <algorithm>
#include <limits>

#include "sluice/rules/units.h"

namespace sluice::rules {
namespace {

using Kind = Type::Kind;

const Type kBoolean{Kind::boolean};

struct Function {
  std::string_view name;
  Op op;
  std::size_t min_arguments, max_arguments;
};
constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();
constexpr Function kFunctions[] = {{"is_missing", Op::is_missing, 1, 1},
                                   {"coalesce", Op::coalesce, 2, kAnyNumber},
                                   {"abs", Op::abs, 1, 1},
                                   {"min", Op::min, 2, kAnyNumber},
                                   {"max", Op::max, 2, kAnyNumber},
                                   {"floor", Op::floor, 1, 1},
                                   {"round", Op::round, 1, 1}};

class Checker {
 public:
  Checker(Ast& ast, std::string_view text, const Schema& schema, Phase phase, Faults& faults)
      : ast_(ast), schema_(schema), phase_(phase), faults_(faults), unify_(ast, text, faults) {}

  void run() {
    for (Node& node : ast_.nodes) node.type = type_of_node(node);
    const Node& root = ast_.nodes.back();
    if (!root.type.is(Kind::boolean) && !root.type.is(Kind::invalid))
      faults_.add("type", root.at, "the condition is " + to_string(root.type) + ", not bool",
                  "compare it with something");
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
      case NodeKind::call:
        return call(node);
      case NodeKind::operation:
        return operation(node);
    }
    return {};
  }

  Type name(Node& node) {
    const auto column = schema_.find(node.text);
    const auto output = model_output(node.text);
    if (output && column && phase_ == Phase::post)
      return fault("ambiguous", node.at, "\"" + node.text + "\" is both a column and an output of the models",
                   "rename the column");
    if (column) {
      node.op = Op::cell;
      node.index = *column;
      return rules::type_of(schema_[*column]);
    }
    if (output && phase_ == Phase::post) {
      node.op = Op::model;
      node.index = *output;
      return {Kind::number};
    }
    if (output)
      return fault("phase", node.at, "\"" + node.text + "\" is not known before the models have run",
                   "only post rules can read it");
    return fault("unknown_column", node.at, "the schema has no column \"" + node.text + "\"", meant_name(node.text));
  }

  std::string meant_name(const std::string& word) const {
    if (!faults_.suggests()) return {};
    std::vector<std::string> names;
    for (const Column& column : schema_.columns()) names.push_back(column.name);
    if (phase_ == Phase::post) names.insert(names.end(), kModelOutputNames.begin(), kModelOutputNames.end());
    const std::string meant = nearest(word, names);
    return meant.empty() ? "a word of a category stands in quotes" : "did you mean " + meant + "?";
  }

  Type call(Node& node) {
    const auto* function = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                        [&](const Function& f) { return f.name == node.text; });
    if (function == std::end(kFunctions))
      return fault("unknown_function", node.at, "there is no function \"" + node.text + "\"",
                   meant_function(node.text));
    node.op = function->op;
    const std::size_t n = node.children.size();
    if (n < function->min_arguments || n > function->max_arguments) {
      const std::string wanted = function->max_arguments == 1 ? "one argument" : "two arguments or more";
      return fault("arguments", node.at, node.text + " takes " + wanted + ", not " + std::to_string(n));
    }
    if (node.op == Op::is_missing) return is_missing(node);
    if (node.op == Op::coalesce) return unify_.common(node.children, "replaced by");
    const Type type = n == 1 ? child(node, 0).type : unify_.common(node.children, "compared with");
    const bool has_order = n > 1 && type.is(Kind::time);
    return type.is(Kind::number) || type.is(Kind::invalid) || has_order
               ? type
               : fault("type", node.at, node.text + " wants a number, not " + to_string(type));
  }

  static std::string meant_function(const std::string& word) {
    std::vector<std::string> names = {"time"};
    for (const Function& f : kFunctions) names.emplace_back(f.name);
    const std::string meant = nearest(word, names);
    return meant.empty() ? "the functions are is_missing, coalesce, abs, min, max, floor, round, time"
                         : "did you mean " + meant + "?";
  }

  Type is_missing(Node& node) {
    if (child(node, 0).type.is(Kind::text)) fault("type", child(node, 0).at, "a text is never missing");
    return kBoolean;
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
        unify_.common(node.children, "compared with");
        return kBoolean;
      case Op::negate:
        return arithmetic_operand(child(node, 0));
      default:
        return is_comparison(node.op) ? comparison(node) : arithmetic(node);
    }
  }

  void want_boolean(const Node& operand) {
    if (operand.type.is(Kind::boolean) || operand.type.is(Kind::invalid)) return;
    fault("type", operand.at, "a bool is wanted here, not " + to_string(operand.type), "compare it with something");
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
    if (has_order && !type.is(Kind::number) && !type.is(Kind::time) && !type.is(Kind::invalid))
      fault("type", node.at, to_string(type) + " has no order", "compare with ==, != or in");
    return kBoolean;
  }

  Type arithmetic_operand(const Node& operand) {
    if (operand.type.is(Kind::number) || operand.type.is(Kind::invalid)) return operand.type;
    return fault("type", operand.at, "a number is wanted here, not " + to_string(operand.type));
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
        return left.unit.empty() ? right : left;
      case Op::divide:
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
    return fault("type", node.at, to_string(left) + " and " + to_string(right) + " cannot meet in " + where,
                 "a time takes + and - with a duration, such as 30 days");
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
  const Schema& schema_;
  Phase phase_;
  Faults& faults_;
  Unifier unify_;
};

}  // namespace

std::optional<std::size_t> model_output(std::string_view name) {
  const auto found = std::find(kModelOutputNames.begin(), kModelOutputNames.end(), name);
  if (found == kModelOutputNames.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kModelOutputNames.begin());
}

void check(Ast& ast, std::string_view text, const Schema& schema, Phase phase, Faults& faults) {
  Checker(ast, text, schema, phase, faults).run();
}

}  // namespace sluice::rules
