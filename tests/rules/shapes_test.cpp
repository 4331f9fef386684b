/// Rule sets by shape: the number of rows, rules and members of a list. Few rows use one schedule of the rules, many
/// rows the other; both are compared with the definition in docs/rules.md.

#include <algorithm>

#include "naive_outcome.h"
#include "sluice/rules/analyze/number_set.h"

namespace sluice::test {
namespace {

using Bool = std::optional<bool>;

const std::vector<std::size_t> kRowCounts = {0,  1,  2,  7,  8,   9,   15,  16,  17,  63,
                                             64, 65, 72, 73, 127, 128, 129, 511, 512, 513};
const std::vector<std::string> kOnMissing = {"SKIP", "FIRE", "APPROVE", "DECLINE"};

Schema numbers() { return Schema({{.name = "x"}, {.name = "y"}}); }

/// Rule i tests x > i, but every fifth rule tests p_forest > 0.5.
Json ladder(std::size_t n_rules, const std::string& policy, const std::string& on_missing = "") {
  static const std::vector<std::string> actions = {"APPROVE", "REVIEW", "DECLINE"};
  std::vector<Json> rules;
  for (std::size_t i = 0; i < n_rules; ++i)
    rules.push_back(rule_json("R" + std::to_string(i), i % 5 == 4 ? "p_forest > 0.5" : "x > " + std::to_string(i),
                              actions[i % 3], on_missing.empty() ? kOnMissing[i % 4] : on_missing));
  return document(rules, policy);
}

std::vector<Truth> truths_of_ladder(std::size_t n_rules, double x, double p_forest) {
  std::vector<Truth> truths;
  for (std::size_t i = 0; i < n_rules; ++i) {
    const double value = i % 5 == 4 ? p_forest : x, limit = i % 5 == 4 ? 0.5 : static_cast<double>(i);
    truths.push_back(to_truth(std::isnan(value) ? Bool() : Bool(value > limit)));
  }
  return truths;
}

struct Batch {
  Table rows{2};
  std::vector<ModelOutputs> models;
};

Batch batch_of(std::size_t n_rows, std::size_t n_rules) {
  Batch batch;
  for (std::size_t i = 0; i < n_rows; ++i) {
    const double x = i % 7 == 3 ? kMissing : static_cast<double>((i * 5) % (n_rules + 2));
    batch.rows.append(std::vector<double>{x, 0});
    batch.models.push_back({.p_forest = i % 4 == 1 ? kMissing : i % 3 == 0 ? 0.75 : 0.25});
  }
  return batch;
}

/// Every row in the batch, alone and traced.
void check_rows(const RuleSet& rules, const Batch& batch, bool has_models, const std::vector<Outcome>& expected) {
  const std::size_t n = batch.rows.n_rows();
  std::vector<Outcome> outcomes(n);
  for (Outcome& outcome : outcomes) outcome.n_fired = 99;  // detects outcomes that a batch does not write
  rules.evaluate(batch.rows.view(), has_models ? std::span(batch.models) : std::span<const ModelOutputs>(), outcomes);
  for (std::size_t i = 0; i < n; ++i) {
    CAPTURE(i);
    REQUIRE(outcomes[i] == expected[i]);
    Outcome one;
    rules.evaluate(batch.rows.row(i), has_models ? batch.models[i] : ModelOutputs(), one);
    REQUIRE(one == expected[i]);
  }
}

}  // namespace

TEST_CASE("every number of rows and of rules has the outcome of the truths, in a batch and row by row") {
  const Schema schema = numbers();
  for (const std::size_t n_rules : {0, 1, 2, 31, 32, 33, 63, 64, 65}) {
    for (const char* policy : {"priority", "first", "unique"}) {
      const Json json = ladder(n_rules, policy);
      const RuleSet rules = compiled(json, schema);
      for (const std::size_t n_rows : kRowCounts)
        for (const bool has_models : {false, true}) {
          if (n_rows > 129 && n_rules != 33) continue;
          const Batch batch = batch_of(n_rows, n_rules);
          std::vector<Outcome> expected;
          for (std::size_t i = 0; i < n_rows; ++i)
            expected.push_back(naive_outcome(
                truths_of_ladder(n_rules, batch.rows.row(i)[0], has_models ? batch.models[i].p_forest : kMissing),
                json["rules"], policy));
          CAPTURE(n_rules, policy, n_rows, has_models);
          check_rows(rules, batch, has_models, expected);
        }
    }
  }
}

TEST_CASE("lists of fired and missing rules stop at 32, but their counts do not, in both schedules") {
  const Schema schema({{.name = "x"}});
  for (const std::size_t n_rules : {0, 1, 31, 32, 33, 100})
    for (const bool is_missing : {false, true}) {
      std::vector<Json> json;
      for (std::size_t i = 0; i < n_rules; ++i) json.push_back(rule_json("R" + std::to_string(i), "x > 0"));
      const RuleSet rules = compiled(document(json), schema);
      const Table rows = [&] {
        Table table(1);
        for (int i = 0; i < 64; ++i) table.append(std::vector<double>{is_missing ? kMissing : 1});
        return table;
      }();
      for (const std::size_t n_rows : {1, 8, 9, 64}) {
        std::vector<Outcome> outcomes(n_rows);
        rules.evaluate(rows.view().slice(0, n_rows), {}, outcomes);
        for (const Outcome& outcome : outcomes) {
          const RuleList &list = is_missing ? outcome.missing : outcome.fired,
                         &other = is_missing ? outcome.fired : outcome.missing;
          CAPTURE(n_rules, is_missing, n_rows);
          REQUIRE((is_missing ? outcome.n_missing : outcome.n_fired) == n_rules);
          REQUIRE(other.size() == 0);
          REQUIRE(list.size() == std::min<std::size_t>(n_rules, 32));
          for (std::size_t i = 0; i < list.size(); ++i) REQUIRE(list[i] == i);
        }
      }
    }
}

TEST_CASE("the maximum number of rules is evaluated, and one more is rejected") {
  const Schema schema({{.name = "x"}});
  const auto set = [](std::size_t n) {
    std::vector<Json> rules;
    for (std::size_t i = 0; i < n; ++i)
      rules.push_back(rule_json("R" + std::to_string(i), "x > " + std::to_string(i), "REVIEW", "SKIP"));
    return document(rules);
  };
  const RuleSet rules = compiled(set(kMaxRules), schema);
  Table rows(1);
  for (const double x : {0.0, 1.0, 19'999.0, 20'000.0, 1e9, -1.0, 5.0, 31.0, 32.0, 33.0, kMissing})
    rows.append(std::vector<double>{x});
  std::vector<Outcome> outcomes(rows.n_rows());
  rules.evaluate(rows.view(), {}, outcomes);
  for (std::size_t i = 0; i < rows.n_rows(); ++i) {
    const double x = rows.row(i)[0];
    Outcome one;
    rules.evaluate(rows.row(i), {}, one);
    CAPTURE(x);
    CHECK(one == outcomes[i]);
    CHECK(one.n_fired == static_cast<std::size_t>(std::isnan(x) ? 0 : std::clamp(x, 0.0, 20'000.0)));
    CHECK(one.n_missing == (std::isnan(x) ? kMaxRules : 0));
  }
  CHECK_FALSE(RuleSet::compile(set(kMaxRules + 1).dump(), "r.json", schema, Phase::post).rules.has_value());
}

TEST_CASE("a list of any length contains exactly its members") {
  const Schema schema = numbers();
  for (const std::size_t n : {1, 2, 7, 8, 9, 10, 31, 32, 33, 63, 64, 65, 1000}) {
    std::string members;
    for (std::size_t i = 0; i < n; ++i) members += (i > 0 ? ", " : "") + std::to_string(3 * i) + ".5";
    const RuleSet rules = compiled(
        document({rule_json("R", "x in [" + members + "]"), rule_json("S", "!(x in [" + members + "])")}), schema);
    Table rows(2);
    std::vector<double> cells = {kMissing, -0.0, -1, 0.25, HUGE_VAL, -HUGE_VAL};
    for (std::size_t i = 0; i <= 3 * std::min<std::size_t>(n, 70) + 3; ++i)
      cells.push_back(static_cast<double>(i) + 0.5);
    for (const double x : cells) rows.append(std::vector<double>{x, 0});
    std::vector<Outcome> outcomes(cells.size());
    rules.evaluate(rows.view(), {}, outcomes);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const double x = cells[i], k = (x - 0.5) / 3;
      const bool is_member = k >= 0 && k < static_cast<double>(n) && k == std::floor(k);
      Outcome one;
      rules.evaluate(rows.row(i), {}, one);
      CAPTURE(n, x);
      REQUIRE(one == outcomes[i]);
      REQUIRE(one.n_missing == (std::isnan(x) ? 2 : 0));
      if (!std::isnan(x)) REQUIRE(one.fired[0] == (is_member ? 0 : 1));
    }
  }
  CHECK(faults_of("x in []", schema) != "");
}

TEST_CASE("a document's list of no, one and many ids contains exactly those") {
  const Schema schema({{.name = "id", .kind = Kind::id}});
  for (const std::size_t n : {0, 1, 2, 8, 9, 1000}) {
    Json json = document({rule_json("R", "id in known")});
    json["lists"]["known"] = {{"of", "id"}, {"values", Json::array()}};
    for (std::size_t i = 0; i < n; ++i) json["lists"]["known"]["values"].push_back("id-" + std::to_string(i));
    const RuleSet rules = compiled(json, schema);
    Table rows(1);
    for (std::size_t i = 0; i <= n; ++i) rows.append(std::vector<double>{hash_id("id-" + std::to_string(i))});
    rows.append(std::vector<double>{kMissing});
    std::vector<Outcome> outcomes(rows.n_rows());
    rules.evaluate(rows.view(), {}, outcomes);
    for (std::size_t i = 0; i < rows.n_rows(); ++i) {
      Outcome one;
      rules.evaluate(rows.row(i), {}, one);
      CAPTURE(n, i);
      REQUIRE(one == outcomes[i]);
      REQUIRE(one.n_fired == (i < n ? 1 : 0));
      REQUIRE(one.n_missing == (i == n + 1 ? 1 : 0));
    }
  }
}

TEST_CASE("a set of numbers of any size contains its members: zeros of both signs are equal, infinities are numbers") {
  for (const std::size_t n : {0, 1, 2, 3, 4, 7, 8, 9, 31, 32, 33, 1023, 1024, 1025}) {
    std::vector<double> members;
    for (std::size_t i = 0; i < n; ++i)
      members.push_back(i == 0   ? -0.0
                        : i == 1 ? HUGE_VAL
                                 : std::ldexp(1.0, static_cast<int>(i % 900)) + static_cast<double>(i));
    const rules::NumberSet set(members);
    std::sort(members.begin(), members.end());
    members.erase(std::unique(members.begin(), members.end()), members.end());
    CAPTURE(n);
    REQUIRE(set.members() == members);
    REQUIRE(set.size() == members.size());
    for (const double x : members) REQUIRE(set.contains(x));
    CHECK(set.contains(0.0) == (n > 0));
    CHECK(set.contains(HUGE_VAL) == (n > 1));
    for (const double x : {-1.0, 0.5, -HUGE_VAL, kMissing}) CHECK_FALSE(set.contains(x));
  }
}

}  // namespace sluice::test
