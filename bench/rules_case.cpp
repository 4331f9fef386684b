#include "rules_case.h"

#include <cmath>

#include "sluice/base/random.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kNumbers = 24, kCategories = 6, kWords = 8;

std::string number_name(std::size_t i) { return "n" + std::to_string(i); }
std::string category_name(std::size_t i) { return "c" + std::to_string(i); }
std::string word(std::size_t i) { return "w" + std::to_string(i); }

/// One condition, as each engine writes it.
struct Condition {
  std::string sluice, zen;
  Json json_logic;
};

class Generator {
 public:
  Condition rule() {
    const std::size_t n = 2 + pick(3);
    Condition all = conjunct();
    Json parts = {all.json_logic};
    for (std::size_t i = 1; i < n; ++i) {
      const Condition next = conjunct();
      all.sluice += " && " + next.sluice;
      all.zen += " and " + next.zen;
      parts.push_back(next.json_logic);
    }
    all.json_logic = {{"and", parts}};
    return all;
  }

  double number() { return static_cast<double>(pick(100'000)) / 100; }
  std::size_t pick(std::size_t n) { return static_cast<std::size_t>(random_.below(n)); }

 private:
  Condition conjunct() {
    const std::size_t kind = pick(20);
    if (kind < 10) return comparison();
    if (kind < 13) return same_word();
    if (kind < 16) return membership();
    return kind < 18 ? ratio() : either();
  }

  Condition comparison() {
    static constexpr const char* kSigns[] = {"<", "<=", ">", ">="};
    const std::string sign = kSigns[pick(4)], name = number_name(pick(kNumbers));
    const double bound = number();
    const std::string text = name + " " + sign + " " + Json(bound).dump();
    return {text, text, {{sign, {{{"var", name}}, bound}}}};
  }
  Condition same_word() {
    const std::string name = category_name(pick(kCategories)), text = word(pick(kWords));
    const std::string sign = pick(2) ? "==" : "!=";
    const std::string condition = name + " " + sign + " '" + text + "'";
    return {condition, condition, {{sign, {{{"var", name}}, text}}}};
  }
  Condition membership() {
    const std::string name = category_name(pick(kCategories));
    std::string list;
    Json words = Json::array();
    for (std::size_t i = 0; i < 3; ++i) {
      words.push_back(word(pick(kWords)));
      list += (i ? ", '" : "'") + words.back().get<std::string>() + "'";
    }
    const std::string condition = name + " in [" + list + "]";
    return {condition, condition, {{"in", {{{"var", name}}, words}}}};
  }
  Condition ratio() {
    const std::string a = number_name(pick(kNumbers)), b = number_name(pick(kNumbers));
    const double bound = static_cast<double>(pick(300)) / 100;
    const std::string text = a + " / (" + b + " + 1) > " + Json(bound).dump();
    return {text, text, {{">", {{{"/", {{{"var", a}}, {{"+", {{{"var", b}}, 1}}}}}}, bound}}}};
  }
  Condition either() {
    const Condition a = comparison(), b = same_word();
    return {"(" + a.sluice + " || " + b.sluice + ")",
            "(" + a.zen + " or " + b.zen + ")",
            {{"or", {a.json_logic, b.json_logic}}}};
  }

  Random random_{20240131};
};

Schema schema() {
  std::vector<Column> columns;
  for (std::size_t i = 0; i < kNumbers; ++i) columns.push_back({.name = number_name(i)});
  std::vector<std::string> words;
  for (std::size_t i = 0; i < kWords; ++i) words.push_back(word(i));
  for (std::size_t i = 0; i < kCategories; ++i)
    columns.push_back({.name = category_name(i), .kind = Kind::category, .vocabulary = words});
  return Schema(columns);
}

Json zen_decision(const Json& table_rules) {
  const Json table = {{"hitPolicy", "collect"},
                      {"inputs", {{{"id", "when"}, {"name", "when"}}}},
                      {"outputs", {{{"id", "rule"}, {"field", "rule"}, {"name", "rule"}}}},
                      {"rules", table_rules}};
  return {{"nodes",
           {{{"id", "in"}, {"name", "in"}, {"type", "inputNode"}},
            {{"id", "table"}, {"name", "table"}, {"type", "decisionTableNode"}, {"content", table}},
            {{"id", "out"}, {"name", "out"}, {"type", "outputNode"}}}},
          {"edges",
           {{{"id", "e1"}, {"sourceId", "in"}, {"targetId", "table"}},
            {{"id", "e2"}, {"sourceId", "table"}, {"targetId", "out"}}}}};
}

}  // namespace

RulesCase random_rules_case(std::size_t n_rules, std::size_t n_rows) {
  Generator generator;
  RulesCase made{.schema = schema(), .json_logic = Json::array(), .objects = Json::array()};
  Json rules = Json::array(), zen_rules = Json::array();
  for (std::size_t i = 0; i < n_rules; ++i) {
    const Condition condition = generator.rule();
    const std::string id = std::to_string(i);
    rules.push_back({{"id", id}, {"when", condition.sluice}, {"on_missing", "SKIP"}, {"then", {{"reason", id}}}});
    made.json_logic.push_back(condition.json_logic);
    zen_rules.push_back({{"_id", id}, {"when", condition.zen}, {"rule", id}});
  }
  made.rules = {{"ruleset", "bench"}, {"version", 1}, {"hit_policy", "collect"}, {"rules", rules}};
  made.zen = zen_decision(zen_rules);
  made.rows = Table(made.schema.size(), n_rows);
  for (std::size_t r = 0; r < n_rows; ++r) {
    Json object;
    for (std::size_t c = 0; c < made.schema.size(); ++c) {
      double& cell = made.rows.row(r)[c];
      const bool is_number = c < kNumbers;
      cell = is_number ? generator.number() : static_cast<double>(generator.pick(kWords));
      object[made.schema[c].name] = is_number ? Json(cell) : Json(word(static_cast<std::size_t>(cell)));
    }
    made.objects.push_back(std::move(object));
  }
  return made;
}

}  // namespace sluice::bench
