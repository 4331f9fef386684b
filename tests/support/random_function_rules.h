#pragma once
/// Random conditions with functions of words, times and whole numbers; the C library defines their meanings.

#include <ctime>

#include "support/random_rows.h"

namespace sluice::test::naive {

class FunctionConditions {
 public:
  explicit FunctionConditions(Random& random) : random_(random) {}

  Expr<Bool> condition() {
    switch (pick(4)) {
      case 0:
        return word_test();
      case 1:
        return changed_word();
      case 2:
        return calendar();
      default:
        return whole_arithmetic();
    }
  }

 private:
  std::size_t pick(std::size_t n) { return static_cast<std::size_t>(random_.below(n)); }

  /// The word, if it is known: a row does not contain the text of a word outside the vocabulary.
  static std::optional<std::string> known_word(const Row& row, const std::string& name) {
    const Words& words = row.words.at(name);
    return words && words->size() == 1 ? std::optional(words->front()) : std::nullopt;
  }
  template <class F>
  static Expr<Bool> of_word(const std::string& text, int level, const std::string& name, F f) {
    return {text, level, [=](const Row& row) -> Bool {
              const auto word = known_word(row, name);
              return word ? Bool(f(*word)) : Bool();
            }};
  }

  Expr<Bool> word_test() {
    const std::string name = pick(2) ? "ip_country" : "card_country";
    static const std::string parts[] = {"N", "U", "S", "R", "it", "L", "x"};
    const std::string part = parts[pick(7)];
    switch (pick(5)) {
      case 0:
        return of_word("startsWith(" + name + ", '" + part + "')", 7, name,
                       [=](const std::string& w) { return w.compare(0, part.size(), part) == 0; });
      case 1:
        return of_word(name + ".endsWith('" + part + "')", 7, name, [=](const std::string& w) {
          return w.size() >= part.size() && w.substr(w.size() - part.size()) == part;
        });
      case 2:
        return of_word(name + ".contains('" + part + "')", 7, name,
                       [=](const std::string& w) { return w.find(part) != std::string::npos; });
      case 3:
        return of_word(name + ".matches('^[A-M" + part + "]+$')", 7, name, [=](const std::string& w) {
          return std::all_of(w.begin(), w.end(),
                             [&](char c) { return (c >= 'A' && c <= 'M') || part.find(c) != std::string::npos; });
        });
      default: {
        const std::size_t n = 1 + pick(4);
        return of_word("size(" + name + ") > " + std::to_string(n), 3, name,
                       [=](const std::string& w) { return w.size() > n; });
      }
    }
  }

  Expr<Bool> changed_word() {
    const auto lowered = [](std::string word) {
      for (char& c : word) c = static_cast<char>(std::tolower(c));
      return word;
    };
    std::string wanted = kIpWords[pick(kIpWords.size())];
    if (pick(2)) {
      wanted = lowered(wanted);
      return of_word("lower(ip_country) == '" + wanted + "'", 3, "ip_country",
                     [=](const std::string& w) { return lowered(w) == wanted; });
    }
    return of_word("upper(lower(ip_country)) in ['DE', '" + wanted + "']", 3, "ip_country",
                   [=](const std::string& w) { return w == "DE" || w == wanted; });
  }

  Expr<Bool> calendar() {
    const std::string name = pick(2) ? "opened" : "now";
    const int days = static_cast<int>(pick(4000)) - 2000;
    const std::string time = name + (days < 0 ? " - " + std::to_string(-days) : " + " + std::to_string(days)) + " days";
    const std::size_t part = pick(5);
    static constexpr const char* kParts[] = {"year", "month", "day", "hour", "weekday"};
    static constexpr int kBounds[] = {2017, 6, 15, 4, 3};
    const std::string text = std::string(kParts[part]) + "(" + time + ") >= " + std::to_string(kBounds[part]);
    return {text, 3, [=](const Row& row) -> Bool {
              const Number start = row.numbers.at(name);
              if (!start) return {};
              const std::time_t seconds = static_cast<std::time_t>(*start) + 86400 * days;
              std::tm at{};
              gmtime_r(&seconds, &at);
              const int weekday = at.tm_wday == 0 ? 7 : at.tm_wday;
              const int parts[] = {at.tm_year + 1900, at.tm_mon + 1, at.tm_mday, at.tm_hour, weekday};
              return parts[part] >= kBounds[part];
            }};
  }

  Expr<Bool> whole_arithmetic() {
    const long a = static_cast<long>(pick(9)) - 4, b = static_cast<long>(pick(9)) - 4, factor = pick(3) ? 3 : 1L << 51;
    const std::string number = b < 0 ? "(" + std::to_string(b) + ")" : std::to_string(b);
    const std::string text =
        "int(ratio) * " + std::to_string(factor) + " / " + number + " + int(ratio) % 3 > " + std::to_string(a);
    return {text, 3, [=](const Row& row) -> Bool {
              const Number ratio = row.numbers.at("ratio");
              if (!ratio || std::abs(*ratio) > 1e15 || b == 0) return {};
              const long x = static_cast<long>(*ratio);
              if (std::abs(x) > ((1L << 53) - 1) / factor) return {};
              return x * factor / b + x % 3 > a;
            }};
  }

  Random& random_;
};

}  // namespace sluice::test::naive
