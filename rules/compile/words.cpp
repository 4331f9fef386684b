#include "sluice/rules/compile/words.h"

#include <re2/re2.h>

#include <algorithm>

namespace sluice::rules {
namespace {

re2::RE2::Options quiet() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  // A pattern's program; RE2 rejects patterns that need more, and runs in linear time.
  options.set_max_mem(1 << 20);
  return options;
}

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

}  // namespace

const std::vector<std::string>& texts_of(const Type& type) {
  return type.is(Type::Kind::words) ? *type.texts : type.category->vocabulary;
}

std::vector<std::string> changed(Op op, const std::vector<std::string>& texts) {
  std::vector<std::string> result = texts;
  for (std::string& text : result)
    std::transform(text.begin(), text.end(), text.begin(), op == Op::lower ? to_lower : to_upper);
  return result;
}

std::vector<bool> holds(Op op, const std::vector<std::string>& texts, const std::string& argument) {
  const re2::RE2 pattern(op == Op::matches ? argument : "", quiet());
  std::vector<bool> result;
  for (const std::string& text : texts)
    result.push_back(op == Op::matches       ? re2::RE2::PartialMatch(text, pattern)
                     : op == Op::starts_with ? text.starts_with(argument)
                     : op == Op::ends_with   ? text.ends_with(argument)
                     : op == Op::contains    ? text.find(argument) != std::string::npos
                                             : text == argument);
  return result;
}

std::vector<double> sizes(const std::vector<std::string>& texts) {
  std::vector<double> result;
  for (const std::string& text : texts)
    result.push_back(static_cast<double>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; })));
  return result;
}

std::string fault_of_pattern(const std::string& pattern) {
  const re2::RE2 compiled(pattern, quiet());
  return compiled.ok() ? "" : compiled.error();
}

}  // namespace sluice::rules
