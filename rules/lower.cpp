#include "sluice/rules/lower.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace sluice::rules {
namespace {

/// How much taller the stack is after an instruction.
int growth(Op op) {
  switch (op) {
    case Op::logical_not:
    case Op::negate:
    case Op::abs:
    case Op::floor:
    case Op::round:
    case Op::is_missing:
    case Op::in:
      return 0;
    case Op::constant:
    case Op::cell:
    case Op::model:
      return 1;
    case Op::conditional:
      return -2;
    default:
      return op >= Op::cell_equal && op <= Op::cell_greater_equal ? 1 : -1;
  }
}

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
  Lowering(const Ast& ast, Program& program)
      : ast_(ast), program_(program), begins_(ast.nodes.size()), ends_(ast.nodes.size()) {}

  void run() {
    for (std::size_t i = 0; i < ast_.nodes.size(); ++i) {
      const Node& node = ast_.nodes[i];
      begins_[i] = node.children.empty() ? here() : begins_[node.children.front()];
      if (!node.in_list) emit(node);
      ends_[i] = here();
    }
  }

  CodeRange range(std::size_t node) const { return {begins_[node], ends_[node]}; }

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
        found.push_back({range(i), node.begin, node.end});
    }
    return found;
  }

  std::vector<Read> reads() const {
    std::vector<Read> found;
    for (const Node& node : ast_.nodes) {
      const Read read{node.op, node.index};
      if (node.kind == NodeKind::name && std::find(found.begin(), found.end(), read) == found.end())
        found.push_back(read);
    }
    return found;
  }

  int tallest() const { return tallest_; }

 private:
  void emit(const Node& node) {
    if (node.is_literal())
      push({Op::constant, 0, node.value});
    else if (node.kind == NodeKind::name)
      push({node.op, static_cast<std::uint32_t>(node.index)});
    else if (node.op == Op::in)
      push({Op::in, set_of(node)});
    else if (node.op == Op::same_word || node.op == Op::other_word)
      push({node.op, word_pair_of(node)});
    else if (is_comparison(node.op) && is_cell(child(node, 0)) && child(node, 1).is_literal())
      compare_cell(node);
    else
      for (std::size_t i = 0; i < times(node); ++i) push({node.op});
    if (node.scale != 1) push({Op::constant, 0, node.scale}), push({Op::multiply});
  }

  /// coalesce, min and max take their arguments two by two.
  static std::size_t times(const Node& node) {
    return node.kind == NodeKind::call && node.children.size() > 1 ? node.children.size() - 1 : 1;
  }

  static bool is_cell(const Node& node) {
    return node.kind == NodeKind::name && node.op == Op::cell && node.scale == 1;
  }

  /// The two pushes that stand there become one instruction.
  void compare_cell(const Node& node) {
    program_.code.resize(program_.code.size() - 2);
    height_ -= 2;
    const int place = static_cast<int>(node.op) - static_cast<int>(Op::equal);
    const Op fused = static_cast<Op>(static_cast<int>(Op::cell_equal) + place);
    push({fused, static_cast<std::uint32_t>(child(node, 0).index), child(node, 1).value});
  }

  std::uint32_t set_of(const Node& node) {
    std::vector<double> set;
    for (std::size_t i = 1; i < node.children.size(); ++i) set.push_back(child(node, i).value);
    std::sort(set.begin(), set.end());
    program_.sets.push_back(std::move(set));
    return static_cast<std::uint32_t>(program_.sets.size() - 1);
  }

  std::uint32_t word_pair_of(const Node& node) {
    program_.word_pairs.push_back(
        pair_of(child(node, 0).type.category->vocabulary, child(node, 1).type.category->vocabulary));
    return static_cast<std::uint32_t>(program_.word_pairs.size() - 1);
  }

  void push(Instruction instruction) {
    height_ += growth(instruction.op);
    tallest_ = std::max(tallest_, height_);
    program_.code.push_back(instruction);
  }

  const Node& child(const Node& node, std::size_t i) const { return ast_.nodes[node.children[i]]; }
  std::uint32_t here() const { return static_cast<std::uint32_t>(program_.code.size()); }

  const Ast& ast_;
  Program& program_;
  std::vector<std::uint32_t> begins_, ends_;  // of each node's code
  int height_ = 0, tallest_ = 0;
};

}  // namespace

Condition lower(const Ast& ast, Program& program, Faults& faults) {
  Lowering lowering(ast, program);
  lowering.run();
  if (lowering.tallest() > static_cast<int>(Program::kMaxStack))
    faults.add("too_deep", ast.nodes.back().at,
               "the expression holds more than " + std::to_string(Program::kMaxStack) + " values at once",
               "nest min, max and coalesce, or split the rule");
  return {lowering.range(ast.nodes.size() - 1), lowering.conjuncts(), lowering.reads()};
}

}  // namespace sluice::rules
