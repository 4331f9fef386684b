#pragma once
// Text to tokens, one at a time.

#include <cstddef>
#include <string>
#include <string_view>

#include "sluice/rules/compile/faults.h"

namespace sluice::rules {

inline constexpr std::size_t kMaxTextBytes = 10'000;  // of a name or a text: every node has a copy

enum class TokenKind { end, number, text, name, symbol, bad };  // bad: a fault has been reported

struct Token {
  TokenKind kind = TokenKind::end;
  std::size_t begin = 0, end = 0;
  std::string_view spelling;  // a symbol or keyword as written: "&&", "in"
  std::string text;           // a text's content, a name without its backquotes
  double number = 0;
  bool is_quoted = false;  // a name in backquotes: never a keyword

  bool is(std::string_view wanted) const {
    return (kind == TokenKind::symbol || (kind == TokenKind::name && !is_quoted)) && spelling == wanted;
  }
};

class Lexer {
 public:
  Lexer(std::string_view text, Faults& faults) : text_(text), faults_(faults) {}
  Token next();

 private:
  Token number(std::size_t begin);
  Token quoted(std::size_t begin);
  Token bad(std::size_t begin, std::string message, std::string hint = {});
  Token bounded(Token token);
  Token take(TokenKind kind, std::size_t begin);
  char at(std::size_t i) const { return i < text_.size() ? text_[i] : '\0'; }

  std::string_view text_;
  Faults& faults_;
  std::size_t position_ = 0;
};

}  // namespace sluice::rules
