#include "naive_outcome.h"
#include "rules_support.h"
#include "support/random_rules.h"

namespace sluice::test {
namespace {

constexpr std::uint64_t kSeed = 20240131;

const std::vector<std::string> kActions = {"APPROVE", "REVIEW", "DECLINE"}, kPolicies = {"priority", "first", "unique"};

struct RandomSet {
  Json json;
  std::vector<naive::Expr<naive::Bool>> conditions;
};

RandomSet random_set(naive::Generator& generator, std::size_t n_rules) {
  RandomSet set;
  std::vector<Json> rules;
  for (std::size_t i = 0; i < n_rules; ++i) {
    set.conditions.push_back(generator.condition(static_cast<int>(generator.pick(5))));
    static const std::vector<std::string> on_missing = {"SKIP", "SKIP", "FIRE", "APPROVE", "REVIEW", "DECLINE"};
    rules.push_back(rule_json("R" + std::to_string(i), set.conditions.back().text, kActions[generator.pick(3)],
                              on_missing[generator.pick(6)]));
  }
  set.json = document(rules, kPolicies[generator.pick(3)]);
  return set;
}

}  // namespace

TEST_CASE("25,000 random conditions agree with the naive evaluator, one by one, in a batch and traced") {
  const Schema schema = naive::schema();
  naive::Generator generator(kSeed);
  std::array<std::size_t, 3> n_truths{};
  for (int n_sets = 0; n_sets < 500; ++n_sets) {
    const RandomSet set = random_set(generator, 50);
    const RuleSet rules = compiled(set.json, schema);
    Table rows(schema.size());
    std::vector<ModelOutputs> models;
    std::vector<Outcome> expected;
    for (int r = 0; r < 10; ++r) {
      const naive::Row row = generator.row();
      rows.append(naive::cells(schema, row));
      models.push_back(naive::outputs(row));
      const Trace trace = rules.trace(rows.row(r), models.back());
      std::vector<Truth> truths;
      for (std::size_t i = 0; i < rules.size(); ++i) {
        truths.push_back(to_truth(set.conditions[i].value(row)));
        ++n_truths[static_cast<std::size_t>(truths.back())];
        if (trace.rules[i].truth == truths.back()) continue;
        CAPTURE(set.conditions[i].text, r, n_sets);
        REQUIRE(static_cast<int>(trace.rules[i].truth) == static_cast<int>(truths.back()));
      }
      expected.push_back(naive_outcome(truths, set.json["rules"], set.json["hit_policy"]));
      Outcome one;
      rules.evaluate(rows.row(r), models.back(), one);
      REQUIRE(one == expected.back());
      REQUIRE(trace.outcome == expected.back());
    }
    std::vector<Outcome> batch(rows.n_rows());
    rules.evaluate(rows.view(), models, batch);
    REQUIRE(batch == expected);
  }
  for (const std::size_t n : n_truths) REQUIRE(n > 25'000);  // each of no, yes and missing occurs often
}

TEST_CASE("the cause is the text of the first false conjunct, or of the first missing one if none is false") {
  const Schema schema = naive::schema();
  naive::Generator generator(kSeed + 1);
  std::size_t n_caused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::vector<naive::Expr<naive::Bool>> conjuncts;
    std::string when;
    for (std::size_t n = 1 + generator.pick(4); n > 0; --n) {
      conjuncts.push_back(generator.conjunct());
      when += (when.empty() ? "" : " && ") + conjuncts.back().at_least(3);
    }
    const RuleSet rules = compiled(document({rule_json("R", when)}), schema);
    const naive::Row row = generator.row();
    std::string missing, cause;
    for (const auto& conjunct : conjuncts) {
      const naive::Bool value = conjunct.value(row);
      if (!value && missing.empty()) missing = conjunct.at_least(3);
      if (value == naive::Bool(false) && cause.empty()) cause = conjunct.at_least(3);
    }
    if (cause.empty()) cause = missing;
    n_caused += !cause.empty();
    CAPTURE(when);
    REQUIRE(rules.trace(naive::cells(schema, row), naive::outputs(row)).rules[0].cause == cause);
  }
  REQUIRE(n_caused > 1000);
}

TEST_CASE("no text crashes the compiler: random bytes, mutated conditions, mutated documents") {
  const Schema schema = naive::schema();
  naive::Generator generator(kSeed + 2);
  Random random(kSeed + 3);
  static constexpr std::string_view kPieces = "()[]!&|=<>+-*/%?:,.'\"`\\ 0123456789eEabimnx_\t\n";
  const auto mutate = [&](std::string text) {
    for (std::size_t n = 1 + random.below(4); n > 0; --n) {
      const std::size_t at = random.below(text.size() + 1);
      const char c = random.below(8) ? kPieces[random.below(kPieces.size())] : static_cast<char>(random.below(256));
      if (random.below(3) == 0)
        text.erase(at, 1 + random.below(5));
      else if (random.below(2))
        text.insert(at, 1, c);
      else if (at < text.size())
        text[at] = c;
    }
    return text;
  };
  std::size_t n_refused = 0;
  const auto compile = [&](const std::string& json) {
    const CompileResult result = RuleSet::compile(json, "fuzz.json", schema, Phase::post);
    REQUIRE(result.rules.has_value() != has_errors(result.diagnostics));
    n_refused += !result.rules;
    messages(result.diagnostics);
    if (!result.rules) return;
    Outcome outcome;
    for (const double cell : {kMissing, 0.0, -1.0, 1e9, 1e300, -HUGE_VAL, HUGE_VAL})
      result.rules->evaluate(std::vector<double>(schema.size(), cell), {}, outcome);
  };
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random.below(40), ' ');
    for (char& c : bytes) c = static_cast<char>(random.below(128));
    compile(document({rule_json("a", bytes), rule_json("b", mutate(generator.condition(2).text))})
                .dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  const std::string good = document({rule_json("a", "amount > 1 USD")}).dump();
  for (int i = 0; i < 20'000; ++i) compile(mutate(good));
  REQUIRE(n_refused > 30'000);
}

}  // namespace sluice::test
