#include "sluice/rules/compile/lower.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "sluice/rules/compile/words.h"

namespace sluice::rules {
namespace {

using Kind = Type::Kind;

constexpr std::size_t kShortList = 8;  // up to this size, comparing with each element is faster than a look-up

WordPair pair_of(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::unordered_map<std::string_view, std::int32_t> codes;
  for (const auto& word : a) codes.emplace(word, static_cast<std::int32_t>(codes.size()));
  WordPair pair{{}, std::vector<bool>(a.size())};
  for (const auto& word : b) {
    const auto found = codes.find(word);
    pair.b_in_a.push_back(found == codes.end() ? -1 : found->second);
    if (found != codes.end()) pair.a_in_b[static_cast<std::size_t>(found->second)] = true;
  }
  return pair;
}

class Lowering {
 public:
  Lowering(const Ast& ast, const Definitions& definitions, Graph& graph)
      : ast_(ast), definitions_(definitions), graph_(graph), values_(ast.nodes.size()) {}

  Lowered run() {
    for (std::size_t i = 0; i < ast_.nodes.size(); ++i) {
      const Node& node = ast_.nodes[i];
      values_[i] = value_of(node);
      if (node.scale != 1) values_[i] = graph_.apply(Step::multiply, values_[i], graph_.number(node.scale));
    }
    return {values_.back(), ast_.nodes.back().type.is(Kind::boolean) ? conjuncts() : std::vector<Conjunct>(), reads()};
  }

 private:
  std::uint32_t value_of(const Node& node) {
    if (node.kind == NodeKind::boolean) return Graph::truth(node.value != 0);
    if (node.is_literal()) return graph_.number(node.value);
    if (node.kind == NodeKind::name) return name(node);
    if (node.kind == NodeKind::list) return 0;
    if (node.op >= Op::starts_with && node.op <= Op::size) return words(node);
    if (node.op >= Op::is_missing && node.op <= Op::days) return call(node);
    if (node.type.is(Kind::boolean)) return truth(node);
    return node.op == Op::conditional ? graph_.pick(value(node, 0), value(node, 1), value(node, 2)) : arithmetic(node);
  }

  std::uint32_t name(const Node& node) {
    if (node.op == Op::cell) return graph_.cell(node.index);
    if (node.op == Op::given) return graph_.given(node.index);
    return definitions_.derived[node.index].value;
  }

  Edge truth(const Node& node) {
    const std::uint32_t a = value(node, 0), b = node.children.size() > 1 ? value(node, 1) : 0;
    switch (node.op) {
      case Op::logical_not:
        return a ^ 1;
      case Op::logical_and:
        return graph_.both(a, b);
      case Op::logical_or:
        return graph_.either(a, b);
      case Op::conditional:
        return graph_.pick_truth(a, b, value(node, 2));
      case Op::in:
        return membership(node);
      case Op::less:
        return graph_.less(a, b);
      case Op::less_equal:
        return graph_.less_equal(a, b);
      case Op::greater:
        return graph_.less(b, a);
      case Op::greater_equal:
        return graph_.less_equal(b, a);
      case Op::same_word:
      case Op::other_word:
        return same_word(node) ^ (node.op == Op::other_word);
      default:
        return equal(node.children[0], node.children[1]) ^ (node.op == Op::not_equal);
    }
  }

  Edge equal(std::size_t left, std::size_t right) {
    const Node &a = ast_.nodes[left], &b = ast_.nodes[right];
    if (a.type.is(Kind::boolean)) return graph_.same_truth(values_[left], values_[right]);
    if (!a.type.is(Kind::words)) return graph_.equal(values_[left], values_[right]);
    const bool is_left_literal = a.kind == NodeKind::text;
    return graph_.truth_table(values_[is_left_literal ? right : left],
                              holds(Op::equal, texts_of(a.type), (is_left_literal ? a : b).text));
  }

  Edge membership(const Node& node) {
    const Node& first = child(node, 1);
    const std::size_t n = node.children.size() - 1;
    if (first.kind == NodeKind::list) return graph_.in_set(value(node, 0), first.index);
    const Kind kind = child(node, 0).type.kind;
    if (n > kShortList && kind != Kind::words && kind != Kind::boolean) {
      std::vector<double> set;
      for (std::size_t i = 1; i <= n; ++i) set.push_back(child(node, i).value);
      return graph_.in_set(value(node, 0), graph_.add_set(NumberSet(set)));
    }
    Edge any = Graph::truth(false);
    for (std::size_t i = 1; i <= n; ++i) any = graph_.either(any, equal(node.children[0], node.children[i]));
    return any;
  }

  Edge same_word(const Node& node) {
    return graph_.same_word(
        value(node, 0), value(node, 1),
        pair_of(child(node, 0).type.category->vocabulary, child(node, 1).type.category->vocabulary));
  }

  std::uint32_t words(const Node& node) {
    const std::vector<std::string>& texts = texts_of(child(node, 0).type);
    if (node.op == Op::lower || node.op == Op::upper) return value(node, 0);
    if (node.op == Op::size) return graph_.look_up(value(node, 0), graph_.add_numbers(sizes(texts)));
    return graph_.truth_table(value(node, 0), holds(node.op, texts, child(node, 1).text));
  }

  std::uint32_t call(const Node& node) {
    const std::uint32_t a = value(node, 0);
    const bool is_bool = child(node, 0).type.is(Kind::boolean);
    switch (node.op) {
      case Op::is_missing:
        return is_bool ? graph_.is_missing_truth(a) : graph_.is_missing_number(a);
      case Op::coalesce:
        return fold(node, [&](auto x, auto y) {
          return is_bool ? graph_.first_truth(x, y) : graph_.apply(Step::first_number, x, y);
        });
      case Op::min:
      case Op::max:
        return fold(node,
                    [&](auto x, auto y) { return graph_.apply(node.op == Op::min ? Step::min : Step::max, x, y); });
      case Op::to_int:
        return graph_.apply(Step::to_whole, graph_.apply(Step::truncate, a));
      case Op::to_double:
      case Op::seconds:
      case Op::minutes:
      case Op::hours:
      case Op::days:
        return a;
      default:
        return graph_.apply(step_of(node.op), a);
    }
  }

  /// Several arguments, pairwise.
  template <class F>
  std::uint32_t fold(const Node& node, F&& f) {
    std::uint32_t result = value(node, 0);
    for (std::size_t i = 1; i < node.children.size(); ++i) result = f(result, value(node, i));
    return result;
  }

  static Step step_of(Op op) {
    switch (op) {
      case Op::abs:
        return Step::abs;
      case Op::floor:
        return Step::floor;
      case Op::round:
        return Step::round;
      case Op::year:
        return Step::year;
      case Op::month:
        return Step::month;
      case Op::day:
        return Step::day;
      case Op::hour:
        return Step::hour;
      case Op::weekday:
        return Step::weekday;
      case Op::add:
        return Step::add;
      case Op::subtract:
        return Step::subtract;
      case Op::multiply:
        return Step::multiply;
      case Op::divide:
        return Step::divide;
      default:
        return Step::modulo;
    }
  }

  /// Whole numbers, money and times keep their type, or become missing if out of range.
  Number arithmetic(const Node& node) {
    const Number a = value(node, 0);
    if (node.op == Op::negate) return graph_.apply(Step::negate, a);
    const Number b = value(node, 1);
    if (node.type.is_whole && node.op == Op::divide)
      return graph_.apply(Step::divide, graph_.apply(Step::subtract, a, graph_.apply(Step::modulo, a, b)), b);
    const Number result = graph_.apply(step_of(node.op), a, b);
    if (node.type.is_whole) return graph_.apply(Step::to_whole, result);
    if (node.type.is(Kind::time)) return graph_.apply(Step::to_time, result);
    return is_currency(node.type.unit) ? graph_.apply(Step::to_money, result) : result;
  }

  std::vector<Conjunct> conjuncts() const {
    std::vector<Conjunct> found;
    std::vector<std::size_t> open = {ast_.nodes.size() - 1};
    while (!open.empty()) {
      const std::size_t i = open.back();
      const Node& node = ast_.nodes[i];
      open.pop_back();
      if (node.kind == NodeKind::operation && node.op == Op::logical_and)
        open.insert(open.end(), {node.children[1], node.children[0]});
      else
        found.push_back({values_[i], node.begin, node.end});
    }
    return found;
  }

  std::vector<Read> reads() const {
    std::vector<Read> found;
    const auto add = [&](const Read& read) {
      if (std::find(found.begin(), found.end(), read) == found.end()) found.push_back(read);
    };
    for (const Node& node : ast_.nodes) {
      if (node.kind != NodeKind::name) continue;
      if (node.op != Op::derived)
        add({node.op, node.index});
      else
        for (const Read& read : definitions_.derived[node.index].reads) add(read);
    }
    return found;
  }

  std::uint32_t value(const Node& node, std::size_t i) const { return values_[node.children[i]]; }
  const Node& child(const Node& node, std::size_t i) const { return ast_.nodes[node.children[i]]; }

  const Ast& ast_;
  const Definitions& definitions_;
  Graph& graph_;
  std::vector<std::uint32_t> values_;
};

}  // namespace

Lowered lower(const Ast& ast, const Definitions& definitions, Graph& graph) {
  return Lowering(ast, definitions, graph).run();
}

}  // namespace sluice::rules
