#pragma once
/// Random rule conditions, each with its text and its meaning as a closure over naive values.

#include <array>
#include <cstdio>

#include "support/random_function_rules.h"
#include "support/random_rows.h"

namespace sluice::test::naive {

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  Expr<Bool> condition(int depth) {
    switch (depth <= 0 ? 3 + pick(6) : pick(13)) {
      case 0:
        return logic(depth, "&&", 2);
      case 1:
        return logic(depth, "||", 1);
      case 2:
        return negation(depth);
      case 3:
        return number_comparison(depth);
      case 4:
        return number_comparison(depth);
      case 5:
        return word_comparison();
      case 6:
        return membership();
      case 7:
        return id_comparison();
      case 8:
        return FunctionConditions(random_).condition();
      case 9:
        return choice(condition(depth - 1), condition(depth - 1), condition(depth - 1));
      case 10:
        return same_bool(depth);
      case 11:
        return time_comparison(depth);
      default:
        return is_missing(depth);
    }
  }

  /// A condition without "&&" outside parentheses.
  Expr<Bool> conjunct() { return pick(2) ? number_comparison(2) : pick(2) ? word_comparison() : membership(); }

  Row row() { return random_row(random_); }

  std::size_t pick(std::size_t n) { return static_cast<std::size_t>(random_.below(n)); }

 private:
  static constexpr std::array<const char*, 6> kComparisons = {"==", "!=", "<", "<=", ">", ">="};

  double a_number() { return random_number(random_); }

  template <class V>
  static Expr<V> choice(Expr<Bool> c, Expr<V> a, Expr<V> b) {
    return {c.at_least(1) + " ? " + a.text + " : " + b.text, 0,
            [=](const Row& row) {
              const Bool chosen = c.value(row);
              return chosen ? (*chosen ? a : b).value(row) : V();
            },
            a.unit};
  }

  Expr<Bool> logic(int depth, const std::string& op, int level) {
    const auto a = condition(depth - 1), b = condition(depth - 1);
    const bool decisive = op == "||";
    return {a.at_least(level) + " " + op + " " + b.at_least(level + 1), level, [=](const Row& row) -> Bool {
              const Bool x = a.value(row), y = b.value(row);
              if (x == Bool(decisive) || y == Bool(decisive)) return decisive;
              return x && y ? Bool(!decisive) : Bool();
            }};
  }
  Expr<Bool> negation(int depth) {
    const auto a = condition(depth - 1);
    return {"!" + a.at_least(6), 6, [=](const Row& row) -> Bool {
              const Bool x = a.value(row);
              return x ? Bool(!*x) : Bool();
            }};
  }
  Expr<Bool> same_bool(int depth) {
    const auto a = condition(depth - 1), b = condition(depth - 1);
    return {a.at_least(3) + "==" + b.at_least(4), 3, [=](const Row& row) -> Bool {
              const Bool x = a.value(row), y = b.value(row);
              return x && y ? Bool(*x == *y) : Bool();
            }};
  }
  Expr<Bool> is_missing(int depth) {
    if (pick(2)) {
      const auto a = number(depth - 1, "");
      return {"is_missing(" + a.text + ")", 7, [=](const Row& row) -> Bool { return !a.value(row); }};
    }
    const auto a = condition(depth - 1);
    return {"is_missing(" + a.text + ")", 7, [=](const Row& row) -> Bool { return !a.value(row); }};
  }

  Expr<Bool> number_comparison(int depth) {
    static const std::vector<std::string> units = {"", "USD", "EUR", "time"};
    const std::string unit = units[pick(4)];
    const auto [a, b] = alike(unit == "time" ? duration(depth - 1) : number(depth - 1, unit),
                              unit == "time" ? duration(depth - 1) : number(depth - 1, unit));
    return comparison(a, b);
  }
  Expr<Bool> time_comparison(int depth) { return comparison(time(depth - 1), time(depth - 1)); }
  Expr<Bool> comparison(const Expr<Number>& a, const Expr<Number>& b) {
    const std::size_t op = pick(6);
    return {a.at_least(3) + " " + kComparisons[op] + " " + b.at_least(4), 3,
            [=](const Row& row) { return compare(op, a.value(row), b.value(row)); }};
  }

  /// Two durations of different units are compared in seconds.
  static std::pair<Expr<Number>, Expr<Number>> alike(Expr<Number> a, Expr<Number> b) {
    if (a.unit != b.unit) a = in_seconds(a), b = in_seconds(b);
    return {a, b};
  }
  static Expr<Number> in_seconds(Expr<Number> a) {
    const double factor = seconds(a.unit);
    a.unit = "seconds";
    a.value = [=, value = a.value](const Row& row) { return with(value(row), factor, std::multiplies<>()); };
    return a;
  }

  Expr<Number> column(const std::string& name, const std::string& unit) {
    return {name == "n items" ? "`n items`" : name, 7, [=](const Row& row) { return row.numbers.at(name); }, unit};
  }
  Expr<Number> literal(double x, const std::string& unit) {
    char text[32];
    std::snprintf(text, sizeof text, "%.17g", x);
    return {text + (unit.empty() ? "" : " " + unit), x < 0 ? 6 : 7, [=](const Row&) { return Number(x); }, unit};
  }
  Expr<Number> binary(const Expr<Number>& a, const Expr<Number>& b, const char* op, int level,
                      double (*f)(double, double), const std::string& unit) {
    return {a.at_least(level) + op + b.at_least(level + 1), level,
            [=](const Row& row) {
              const Number result = with(a.value(row), b.value(row), f);
              return unit == "USD" || unit == "EUR" ? money(result) : unit == "time" ? in_calendar(result) : result;
            },
            unit};
  }

  /// `unit` is "", "USD" or "EUR".
  Expr<Number> number(int depth, const std::string& unit) {
    if (depth <= 0 || pick(4) == 0) return pick(2) ? literal(a_number(), unit) : leaf(unit);
    const auto plus = [](double x, double y) { return x + y; };
    const auto minus = [](double x, double y) { return x - y; };
    const auto times = [](double x, double y) { return x * y; };
    const auto ratio = [](double x, double y) { return y == 0 ? std::nan("") : x / y; };
    const auto rest = [](double x, double y) { return std::fmod(x, y); };
    switch (pick(10)) {
      case 0:
        return binary(number(depth - 1, unit), number(depth - 1, unit), " + ", 4, plus, unit);
      case 1:
        return binary(number(depth - 1, unit), number(depth - 1, unit), " - ", 4, minus, unit);
      case 2:
        return binary(number(depth - 1, unit), number(depth - 1, ""), "*", 5, times, unit);
      case 3:
        return binary(number(depth - 1, ""), number(depth - 1, unit), " * ", 5, times, unit);
      case 4:
        return binary(number(depth - 1, unit), number(depth - 1, ""), "/", 5, ratio, unit);
      case 5:
        return binary(number(depth - 1, unit), number(depth - 1, unit), " % ", 5, rest, unit);
      case 6:
        return unit.empty() ? ratio_of_equals(depth, ratio) : one_argument(depth, unit);
      case 7:
        return one_argument(depth, unit);
      case 8:
        return several(depth, unit);
      default:
        return choice(condition(depth - 1), number(depth - 1, unit), number(depth - 1, unit));
    }
  }
  Expr<Number> leaf(const std::string& unit) {
    if (unit == "EUR") return column("price", unit);
    if (unit == "USD") return column(pick(2) ? "amount" : "fee", unit);
    static constexpr const char* kNames[] = {"ratio", "n items", "p_forest", "p_network"};
    return column(kNames[pick(4)], unit);
  }
  Expr<Number> ratio_of_equals(int depth, double (*ratio)(double, double)) {
    if (pick(2)) return binary(number(depth - 1, "USD"), number(depth - 1, "USD"), "/", 5, ratio, "");
    const auto [a, b] = alike(duration(depth - 1), duration(depth - 1));
    return binary(a, b, " / ", 5, ratio, "");
  }
  Expr<Number> one_argument(int depth, const std::string& unit) {
    const auto a = number(depth - 1, unit);
    const auto apply = [&](const std::string& name, double (*f)(double)) -> Expr<Number> {
      return {name + "(" + a.text + ")", 7,
              [=](const Row& row) {
                const Number x = a.value(row);
                return x ? known(f(*x)) : x;
              },
              unit};
    };
    switch (pick(4)) {
      case 0:
        return apply("abs", [](double x) { return x < 0 ? -x : x; });
      case 1:
        return apply("floor", [](double x) { return std::floor(x); });
      case 2:
        return apply("round", [](double x) { return std::round(x); });
      default:
        return {"- " + a.at_least(6), 6,
                [=](const Row& row) {
                  const Number x = a.value(row);
                  return x ? Number(-*x) : x;
                },
                unit};
    }
  }
  Expr<Number> several(int depth, const std::string& unit) {
    std::vector<Expr<Number>> parts;
    std::string text;
    for (std::size_t n = 2 + pick(3); n > 0; --n) {
      parts.push_back(number(depth - 1, unit));
      text += (text.empty() ? "" : ", ") + parts.back().text;
    }
    const std::size_t which = pick(3);
    static constexpr const char* kNames[] = {"coalesce", "min", "max"};
    return {std::string(kNames[which]) + "(" + text + ")", 7,
            [=](const Row& row) {
              Number result = parts[0].value(row);
              for (std::size_t i = 1; i < parts.size(); ++i) {
                const Number next = parts[i].value(row);
                if (which == 0)
                  result = result ? result : next;
                else
                  result = result && next ? Number(which == 1 ? std::min(*result, *next) : std::max(*result, *next))
                                          : Number();
              }
              return result;
            },
            unit};
  }

  Expr<Number> duration(int depth) {
    static const std::vector<std::string> units = {"seconds", "minutes", "hours", "days"};
    switch (depth <= 0 ? pick(3) : pick(6)) {
      case 0:
        return column("age", "days");
      case 1:
        return column("wait", "hours");
      case 2:
        return literal(a_number(), units[pick(4)]);
      case 3:
        return binary(time(depth - 1), time(depth - 1), " - ", 4, [](double x, double y) { return x - y; }, "seconds");
      case 4: {
        const auto [a, b] = alike(duration(depth - 1), duration(depth - 1));
        return binary(a, b, " + ", 4, [](double x, double y) { return x + y; }, a.unit);
      }
      default: {
        const auto [a, b] = alike(duration(depth - 1), duration(depth - 1));
        return choice(condition(depth - 1), a, b);
      }
    }
  }
  Expr<Number> time(int depth) {
    switch (depth <= 0 ? pick(3) : pick(5)) {
      case 0:
        return column("opened", "");
      case 1:
        return column("now", "");
      case 2:
        return {"time(\"2017-07-14T02:40:00Z\")", 7, [](const Row&) { return Number(1.5e9); }};
      case 3:
        return binary(
            time(depth - 1), in_seconds(duration(depth - 1)), " + ", 4, [](double x, double y) { return x + y; },
            "time");
      default:
        return binary(
            time(depth - 1), in_seconds(duration(depth - 1)), " - ", 4, [](double x, double y) { return x - y; },
            "time");
    }
  }

  static Bool same(const Words& a, const Words& b) {
    if (!a || !b) return Bool();
    std::size_t n_same = 0;
    for (const auto& x : *a)
      for (const auto& y : *b) n_same += x == y;
    if (n_same == 0) return false;
    return n_same == a->size() * b->size() ? Bool(true) : Bool();
  }
  static std::string quoted(const std::string& word) {
    return word.find('\'') == std::string::npos ? "'" + word + "'" : "\"" + word + "\"";
  }

  Expr<Bool> word_comparison() {
    static constexpr const char* kNames[] = {"ip_country", "card_country", "home"};
    const std::string name = kNames[pick(3)];
    const bool wanted = pick(2) == 0;
    const std::string op = wanted ? " == " : " != ";
    const auto negated = [wanted](const Bool& x) { return x ? Bool(*x == wanted) : x; };
    if (pick(2)) {
      const auto& vocabulary = name == "card_country" ? kCardWords : kIpWords;
      const std::string word = vocabulary[pick(vocabulary.size())];
      return {pick(2) ? name + op + quoted(word) : quoted(word) + op + name, 3,
              [=](const Row& row) { return negated(same(row.words.at(name), Words({word}))); }};
    }
    std::string other = kNames[pick(3)];
    if (other == name) other = name == "home" ? "ip_country" : "home";
    return {name + op + other, 3,
            [=](const Row& row) { return negated(same(row.words.at(name), row.words.at(other))); }};
  }
  Expr<Bool> id_comparison() {
    const std::string id = kIds[pick(3)];
    if (pick(3) == 0)
      return {"sender == receiver", 3,
              [](const Row& row) { return same(row.words.at("sender"), row.words.at("receiver")); }};
    const std::string text = pick(2) ? "sender == \"" + id + "\"" : "sender in [\"" + id + "\"]";
    return {text, 3, [=](const Row& row) { return same(row.words.at("sender"), Words({id})); }};
  }
  Expr<Bool> membership() {
    if (pick(2)) {
      const auto x = number(1, "USD");
      const double a = a_number(), b = a_number();
      return {x.at_least(3) + " in [" + literal(a, "USD").text + ", " + literal(b, "USD").text + "]", 3,
              [=](const Row& row) -> Bool {
                const Number tested = x.value(row);
                return tested ? Bool(*tested == a || *tested == b) : Bool();
              }};
    }
    const std::string a = kCardWords[pick(5)], b = kCardWords[pick(5)];
    return {"card_country in [" + quoted(a) + "," + quoted(b) + "]", 3, [=](const Row& row) -> Bool {
              const Bool x = same(row.words.at("card_country"), Words({a})),
                         y = same(row.words.at("card_country"), Words({b}));
              return !x || !y ? Bool() : Bool(*x || *y);
            }};
  }

  Random random_;
};

}  // namespace sluice::test::naive
