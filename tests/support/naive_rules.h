#pragma once
/// The meaning of rule conditions over plain values: shares nothing with rules/. random_rules.h generates conditions.
///
/// Missing is an empty optional. A word outside its column's vocabulary is any word of the world that is not in it. Two
/// words are equal if they are equal in every possible world, unequal if they are equal in none, and otherwise unknown.

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sluice/base/schema.h"
#include "sluice/rules/ruleset.h"

namespace sluice::test::naive {

using Number = std::optional<double>;
using Bool = std::optional<bool>;
using Words = std::optional<std::vector<std::string>>;  // the possible words

struct Row {
  std::map<std::string, Number> numbers;  // and times
  std::map<std::string, Words> words;     // and ids
};

template <class V>
struct Expr {
  std::string text;
  // Binding strength of its outermost operator: 0 conditional ... 6 unary, 7 primary.
  int level = 7;
  std::function<V(const Row&)> value;
  std::string unit = {};  // of a number

  std::string at_least(int wanted) const { return level >= wanted ? text : "(" + text + ")"; }
};

inline const std::vector<std::string> kIpWords = {"NL", "DE", "FR", "US"},
                                      kCardWords = {"US", "CN", "FR", "it's", "NL"};

inline Schema schema() {
  std::vector<Column> columns;
  const auto number = [&](const char* name, const char* unit) { columns.push_back({.name = name, .unit = unit}); };
  number("amount", "USD"), number("fee", "USD"), number("price", "EUR"), number("ratio", ""), number("n items", ""),
      number("age", "days"), number("wait", "hour");
  columns.push_back({.name = "ip_country", .kind = Kind::category, .vocabulary = kIpWords});
  columns.push_back({.name = "card_country", .kind = Kind::category, .vocabulary = kCardWords});
  columns.push_back({.name = "home", .kind = Kind::category, .vocabulary = kIpWords});
  columns.push_back({.name = "sender", .kind = Kind::id});
  columns.push_back({.name = "receiver", .kind = Kind::id});
  columns.push_back({.name = "opened", .kind = Kind::time});
  columns.push_back({.name = "now", .kind = Kind::time});
  return Schema(columns);
}

inline double seconds(const std::string& unit) {
  return unit == "days" ? 86400 : unit == "hours" ? 3600 : unit == "minutes" ? 60 : 1;
}
inline bool is_duration(const std::string& unit) {
  return unit == "seconds" || unit == "minutes" || unit == "hours" || unit == "days";
}

inline Number known(double x) { return std::isnan(x) ? Number() : Number(x); }

/// Computed amounts of money are whole ten-thousandths; times are within the years 0001 to 9999.
inline Number money(const Number& x) {
  if (!x || !(std::abs(*x) * 10000 < 9007199254740992.0)) return {};
  return static_cast<double>(std::llround(*x * 10000)) / 10000;
}
inline Number in_calendar(const Number& x) { return x && *x >= -62135596800.0 && *x < 253402300800.0 ? x : Number(); }

template <class F>
Number with(const Number& a, const Number& b, F f) {
  return a && b ? known(f(*a, *b)) : Number();
}

/// ==, !=, <, <=, >, >=, in this order.
inline Bool compare(std::size_t op, const Number& a, const Number& b) {
  if (!a || !b) return Bool();
  switch (op) {
    case 0:
      return *a == *b;
    case 1:
      return *a != *b;
    case 2:
      return *a < *b;
    case 3:
      return *a <= *b;
    case 4:
      return *a > *b;
    default:
      return *a >= *b;
  }
}

/// The row in the form that the rules read.
inline std::vector<double> cells(const Schema& schema, const Row& row) {
  std::vector<double> cells;
  for (const Column& column : schema.columns()) {
    double cell = std::nan("");
    if (column.kind == Kind::number || column.kind == Kind::time) {
      cell = row.numbers.at(column.name).value_or(cell);
    } else if (const Words& words = row.words.at(column.name)) {
      // Without the text's escapes.
      if (column.kind == Kind::id) {
        std::string id = words->front();
        std::erase(id, '\\');
        cell = hash_id(id);
      } else {
        const auto& vocabulary = column.vocabulary;
        cell =
            static_cast<double>(std::find(vocabulary.begin(), vocabulary.end(), words->front()) - vocabulary.begin());
      }
    }
    cells.push_back(cell);
  }
  return cells;
}

inline rules::ModelOutputs outputs(const Row& row) {
  rules::ModelOutputs models;
  models.p_forest = row.numbers.at("p_forest").value_or(models.p_forest);
  models.p_network = row.numbers.at("p_network").value_or(models.p_network);
  return models;
}

}  // namespace sluice::test::naive
