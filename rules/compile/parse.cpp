#include "sluice/rules/compile/parse.h"

#include "sluice/rules/compile/lexer.h"
#include "sluice/rules/compile/spelt_time.h"

namespace sluice::rules {
namespace {

struct Stop {};  // leaves the recursion after a fault

struct Operator {
  std::string_view spelling;
  int level;
  Op op;
};
constexpr Operator kBinary[] = {
    {"||", 1, Op::logical_or}, {"&&", 2, Op::logical_and}, {"==", 3, Op::equal},         {"!=", 3, Op::not_equal},
    {"<=", 3, Op::less_equal}, {"<", 3, Op::less},         {">=", 3, Op::greater_equal}, {">", 3, Op::greater},
    {"in", 3, Op::in},         {"+", 4, Op::add},          {"-", 4, Op::subtract},       {"*", 5, Op::multiply},
    {"/", 5, Op::divide},      {"%", 5, Op::modulo}};

bool is_english_operator(const Token& token) { return token.is("and") || token.is("or") || token.is("not"); }

class Parser {
 public:
  Parser(std::string_view text, Faults& faults) : faults_(faults), lexer_(text, faults) {}

  Ast whole() {
    advance();
    conditional();
    if (token_.kind != TokenKind::end) unexpected("an operator or the end");
    return std::move(ast_);
  }

 private:
  std::size_t conditional() {
    const Nesting nesting(*this);
    const std::size_t condition = binary(1);
    if (!token_.is("?")) return condition;
    const std::size_t at = token_.begin;
    advance();
    const std::size_t then = conditional();
    expect(":");
    const std::size_t otherwise = conditional();
    return operation(Op::conditional, at, {condition, then, otherwise});
  }

  std::size_t binary(int lowest) {
    std::size_t left = unary();
    while (const Operator* found = binary_operator(lowest)) {
      const std::size_t at = token_.begin;
      advance();
      if (found->op == Op::in)
        left = membership(left, at);
      else
        left = operation(found->op, at, {left, binary(found->level + 1)});
    }
    return left;
  }

  const Operator* binary_operator(int lowest) const {
    for (const auto& candidate : kBinary)
      if (candidate.level >= lowest && token_.is(candidate.spelling)) return &candidate;
    return nullptr;
  }

  std::size_t membership(std::size_t tested, std::size_t at) {
    std::vector<std::size_t> children = {tested};
    if (token_.kind == TokenKind::name) {
      children.push_back(add({.kind = NodeKind::list, .begin = token_.begin, .end = token_.end, .text = token_.text}));
      advance();
      return operation(Op::in, at, std::move(children));
    }
    expect("[");
    do {
      const std::size_t begin = token_.begin;
      const std::size_t item = unary();
      if (!ast_.nodes[item].is_literal())
        fail(begin, "a list may contain only literals", "write x == a || x == b for other values");
      children.push_back(item);
    } while (skip(","));
    const std::size_t end = token_.end;
    expect("]");
    const std::size_t node = operation(Op::in, at, std::move(children));
    ast_.nodes[node].end = end;
    return node;
  }

  std::size_t unary() {
    const Nesting nesting(*this);
    const bool is_minus = token_.is("-");
    if (!is_minus && !token_.is("!")) return methods(primary());
    const std::size_t at = token_.begin;
    advance();
    const std::size_t operand = unary();
    Node& node = ast_.nodes[operand];
    if (is_minus && node.kind == NodeKind::number) {
      node.value = -node.value;
      node.begin = node.at = at;
      return operand;
    }
    const std::size_t result = operation(is_minus ? Op::negate : Op::logical_not, at, {operand});
    ast_.nodes[result].begin = at;
    return result;
  }

  std::size_t methods(std::size_t value) {
    while (skip(".")) {
      const Token function = token_;
      if (function.kind != TokenKind::name) unexpected("a function's name");
      advance();
      value = call(function, {value});
    }
    return value;
  }

  std::size_t primary() {
    const Token token = token_;
    if (token.is("(")) return parenthesised();
    if (token.kind == TokenKind::number) return number();
    if (token.kind == TokenKind::text)
      return advance(), add({.kind = NodeKind::text, .begin = token.begin, .end = token.end, .text = token.text});
    if (token.kind != TokenKind::name || token.is("in")) unexpected("a value");
    advance();
    if (token.is("true") || token.is("false"))
      return add(
          {.kind = NodeKind::boolean, .begin = token.begin, .end = token.end, .value = token.is("true") ? 1.0 : 0.0});
    if (token_.is("(") && !token.is_quoted) return is_spelt_out(token) ? from_text(token) : call(token, {});
    return add({.kind = NodeKind::name, .begin = token.begin, .end = token.end, .text = token.text});
  }

  std::size_t parenthesised() {
    const std::size_t begin = token_.begin;
    advance();
    const std::size_t inner = conditional();
    const std::size_t end = token_.end;
    expect(")");
    ast_.nodes[inner].begin = begin;
    ast_.nodes[inner].end = end;
    return inner;
  }

  std::size_t number() {
    Node node{.kind = NodeKind::number, .begin = token_.begin, .end = token_.end, .value = token_.number};
    node.is_integral = token_.spelling.find_first_of(".eE") == std::string_view::npos;
    advance();
    if (token_.kind == TokenKind::name && !token_.is("in") && !is_english_operator(token_)) {
      node.type.unit = canonical_unit(token_.text);
      node.end = token_.end;
      advance();
    }
    return add(std::move(node));
  }

  std::size_t call(const Token& function, std::vector<std::size_t> arguments) {
    Node node{.kind = NodeKind::call, .begin = function.begin, .text = function.text};
    node.children = std::move(arguments);
    expect("(");
    if (!token_.is(")")) {
      do node.children.push_back(conditional());
      while (skip(","));
    }
    node.end = token_.end;
    expect(")");
    return add(std::move(node));
  }

  static bool is_spelt_out(const Token& function) {
    return function.is("time") || function.is("timestamp") || function.is("duration");
  }

  /// time("..."), timestamp("...") and duration("..."): literals.
  std::size_t from_text(const Token& function) {
    expect("(");
    const Token text = token_;
    if (text.kind != TokenKind::text)
      unexpected(function.is("duration") ? "a text such as \"36h\"" : "a text such as \"2024-01-31\"");
    advance();
    const std::size_t end = token_.end;
    expect(")");
    const SpeltValue value = function.is("duration")    ? read_duration(text.text)
                             : function.is("timestamp") ? read_timestamp(text.text)
                                                        : read_time(text.text);
    if (!value.seconds) fail(text.begin, value.fault, value.hint);
    Node node{.kind = NodeKind::time, .begin = function.begin, .end = end, .value = *value.seconds};
    if (function.is("duration")) node.kind = NodeKind::number, node.type.unit = "seconds";
    return add(std::move(node));
  }

  std::size_t operation(Op op, std::size_t at, std::vector<std::size_t> children) {
    Node node{.kind = NodeKind::operation,
              .op = op,
              .begin = ast_.nodes[children.front()].begin,
              .end = ast_.nodes[children.back()].end,
              .children = std::move(children)};
    const std::size_t index = add(std::move(node));
    ast_.nodes[index].at = at;
    return index;
  }

  std::size_t add(Node node) {
    if (ast_.nodes.size() == kMaxNodes)
      stop("too_long", token_.begin,
           "the expression has more than " + std::to_string(kMaxNodes) + " operations and operands", "split the rule");
    node.at = node.begin;
    ast_.nodes.push_back(std::move(node));
    return ast_.nodes.size() - 1;
  }

  struct Nesting {
    explicit Nesting(Parser& p) : parser(p) {
      if (++parser.nesting_ > kMaxNesting)
        parser.stop("too_deep", parser.token_.begin,
                    "the expression has more than " + std::to_string(kMaxNesting) + " levels of nesting",
                    "split the rule");
    }
    ~Nesting() { --parser.nesting_; }
    Parser& parser;
  };

  void advance() {
    token_ = lexer_.next();
    if (token_.kind == TokenKind::bad) throw Stop{};
  }
  bool skip(std::string_view symbol) {
    if (!token_.is(symbol)) return false;
    advance();
    return true;
  }
  void expect(std::string_view symbol) {
    if (!skip(symbol)) unexpected("\"" + std::string(symbol) + "\"");
  }
  [[noreturn]] void unexpected(const std::string& wanted) {
    const std::string hint = token_.is("and")   ? "\"and\" is &&"
                             : token_.is("or")  ? "\"or\" is ||"
                             : token_.is("not") ? "\"not\" is !"
                                                : "";
    const bool is_long = token_.spelling.size() > 60;
    const std::string found = token_.kind == TokenKind::end ? "the end"
                              : is_long                     ? "a long text"
                                                            : "\"" + std::string(token_.spelling) + "\"";
    fail(token_.begin, "expected " + wanted + ", not " + found, hint);
  }
  [[noreturn]] void fail(std::size_t byte, std::string message, std::string hint) {
    stop("syntax", byte, std::move(message), std::move(hint));
  }
  [[noreturn]] void stop(const char* kind, std::size_t byte, std::string message, std::string hint) {
    faults_.add(kind, byte, std::move(message), std::move(hint));
    throw Stop{};
  }

  Faults& faults_;
  Lexer lexer_;
  Token token_;
  Ast ast_;
  int nesting_ = 0;
};

}  // namespace

std::optional<Ast> parse(std::string_view text, Faults& faults) {
  try {
    return Parser(text, faults).whole();
  } catch (const Stop&) {
    return std::nullopt;
  }
}

}  // namespace sluice::rules
