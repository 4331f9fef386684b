#include "sluice/rules/compile/lexer.h"

#include <array>
#include <cmath>

#include "sluice/base/schema.h"

namespace sluice::rules {
namespace {

constexpr std::array<std::string_view, 22> kSymbols = {"&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-",
                                                       "*",  "/",  "%",  "(",  ")",  "[",  "]", ",", "?", ":", "."};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string hint_for(char c) {
  if (c == '=') return "write == for equality";
  if (c == '&') return "\"and\" is &&";
  if (c == '|') return "\"or\" is ||";
  return {};
}

}  // namespace

Token Lexer::take(TokenKind kind, std::size_t begin) {
  Token token{.kind = kind, .begin = begin, .end = position_};
  token.spelling = text_.substr(begin, position_ - begin);
  return token;
}

Token Lexer::bad(std::size_t begin, std::string message, std::string hint) {
  faults_.add("syntax", begin, std::move(message), std::move(hint));
  return take(TokenKind::bad, begin);
}

Token Lexer::bounded(Token token) {
  if (token.text.size() <= kMaxTextBytes) return token;
  return bad(token.begin, "the limit of a name or text is " + std::to_string(kMaxTextBytes) + " bytes");
}

Token Lexer::next() {
  while (position_ < text_.size() && is_blank(text_[position_])) ++position_;
  const std::size_t begin = position_;
  if (begin == text_.size()) return take(TokenKind::end, begin);
  const char c = text_[begin];
  if (is_digit(c)) return number(begin);
  if (c == '"' || c == '\'' || c == '`') return quoted(begin);
  if (starts_name(c)) {
    while (starts_name(at(position_)) || is_digit(at(position_))) ++position_;
    Token name = take(TokenKind::name, begin);
    name.text = name.spelling;
    return bounded(std::move(name));
  }
  for (const auto symbol : kSymbols)
    if (text_.substr(begin).starts_with(symbol)) {
      position_ += symbol.size();
      return take(TokenKind::symbol, begin);
    }
  const bool is_printable = c > ' ' && c < 0x7f;
  return bad(begin, is_printable ? std::string("'") + c + "' has no meaning here" : "unexpected control character",
             hint_for(c));
}

Token Lexer::number(std::size_t begin) {
  const auto digits = [&] {
    while (is_digit(at(position_))) ++position_;
  };
  digits();
  if (at(position_) == '.' && is_digit(at(position_ + 1))) ++position_, digits();
  if (at(position_) == 'e' || at(position_) == 'E') {
    const std::size_t sign = at(position_ + 1) == '+' || at(position_ + 1) == '-';
    if (is_digit(at(position_ + 1 + sign))) position_ += 1 + sign, digits();
  }
  Token token = take(TokenKind::number, begin);
  const auto value = parse_number(token.spelling);
  if (!value || !std::isfinite(*value)) return bad(begin, "the number is out of the range of double");
  token.number = *value;
  return token;
}

Token Lexer::quoted(std::size_t begin) {
  const char quote = text_[position_++];
  std::string content;
  while (position_ < text_.size() && text_[position_] != quote) {
    if (text_[position_] == '\\' && quote != '`') {
      const char escaped = at(++position_);
      if (escaped != '\\' && escaped != '"' && escaped != '\'')
        return bad(position_ - 1, "only \\\\, \\\" and \\' may follow a backslash");
    }
    content += text_[position_++];
  }
  if (position_ == text_.size()) return bad(begin, std::string("the closing ") + quote + " is missing");
  ++position_;
  Token token = take(quote == '`' ? TokenKind::name : TokenKind::text, begin);
  token.text = std::move(content);
  token.is_quoted = quote == '`';
  return bounded(std::move(token));
}

}  // namespace sluice::rules
