#include <algorithm>

#include "experiment_documents.h"
#include "sluice/base/file.h"
#include "sluice/experiment/plan.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {

using namespace experiment;

TEST_CASE("every fault of an experiment plan is reported with its code and JSON pointer") {
  for (const auto& document : experiment_documents()) {
    CAPTURE(document.text);
    const ExperimentCheck check = check_experiments(document.text, "plan.json");
    for (const auto& d : check.diagnostics) UNSCOPED_INFO(to_string(d));
    CHECK(check.plan.has_value() == document.code.empty());
    if (document.code.empty()) {
      CHECK(check.diagnostics.empty());
      continue;
    }
    CHECK(std::any_of(check.diagnostics.begin(), check.diagnostics.end(),
                      [&](const Diagnostic& d) { return d.code == document.code && d.pointer == document.pointer; }));
    CHECK(code_of([&] { parse_experiments(document.text, "plan.json"); }) == check.diagnostics.front().code);
  }
}

TEST_CASE("an unknown key of a plan is reported with the nearest known one, and all faults are reported together") {
  ExperimentText e{.layer = "k", .buckets = "[9, 3]", .more = R"(, "shadows": 1, "stat": "2024-01-01T00:00:00Z")"};
  std::string all;
  for (const auto& d : check_experiments(plan_of(e.text()), "plan.json").diagnostics) all += to_string(d) + "\n";
  for (const char* part :
       {"experiment.layer", "experiment.buckets", "did you mean \"start\"", "/experiments/0/shadows"}) {
    CAPTURE(all, part);
    CHECK(all.find(part) != std::string::npos);
  }
}

TEST_CASE("a plan of ten megabytes is read or refused, with short messages") {
  const std::string huge(5'000'000, 'x'), other = huge + "yz", quoted = "\"" + huge + "\"";
  const auto repeated = [](const std::string& piece, std::size_t n) {
    std::string text = piece;
    while (--n > 0) text.append(",").append(piece);
    return text;
  };
  const auto keys = [](std::size_t n) {
    std::string text = "\"k\":1";
    for (std::size_t k = 0; k < n; ++k) text += ",\"k" + std::to_string(k) + "\":1";
    return text;
  };
  const auto one = [](const ExperimentText& e) { return plan_of(e.text()); };
  const std::string layer = R"({"name": "l", "key": "c", "salt": "l1"})", many = keys(700'000), few = keys(100);
  const std::string from = R"({"from": "2024-01-01T00:00:00Z", "shares": )";

  CHECK(check_experiments(one({}) + std::string(10'000'000, ' '), "plan.json").plan.has_value());
  CHECK(check_experiments(one({.salt = huge}), "plan.json").plan.has_value());
  for (const std::string& text :
       {plan_of("", layer + R"(, {"name": ")" + huge + R"(", "key": "k", "salt": "l2"})"),
        plan_of("", layer + R"(, {"name": "m", "key": "k", "salt": ")" + huge +
                        R"("}, {"name": "n", "key": "k", "salt": )" + quoted + "}"),
        plan_of(ExperimentText{.layer = other}.text(), R"({"name": ")" + huge + R"(", "key": "k", "salt": "l2"})"),
        plan_of("", repeated(layer, 250'000)),
        plan_of("", "{" + many + "}"),
        plan_of(repeated("{}", 3'000'000)),
        plan_of(repeated("{" + few + "}", 200)),
        plan_of(ExperimentText{.name = huge}.text() + ", " + ExperimentText{.name = huge}.text()),
        one({.layer = huge}),
        one({.buckets = "[" + repeated("1", 5'000'000) + "]"}),
        one({.buckets = quoted}),
        one({.arms = repeated("{}", 3'000'000)}),
        one({.arms = "{" + many + "}"}),
        one({.arms = R"({"name": ")" + huge + R"(", "share": 1}, {"name": ")" + huge + R"(", "share": 0})"}),
        one({.arms = R"({"name": "a", "share": 1}, {"name": ")" + huge +
                     R"(", "shadow": true, "challenger": {"kind": ")" + huge +
                     R"(", "ref": "b"}}, {"name": "c", "shadow": true, "challenger": 1})"}),
        plan_of(repeated(ExperimentText{.arms = repeated("{" + few + R"(, "challenger": {)" + few + "}}", 16)}.text(),
                         200)),
        one({.more = ", " + many}),
        one({.more = ", \"" + huge + "\": 1"}),
        one({.more = ", \"start\": " + quoted}),
        one({.more = ", \"start\": \"2024-01-01T00:00:00." + std::string(9'000'000, '1') + "\""}),
        one({.more = ", \"ramp\": [" + from + "[" + repeated("2", 4'000'000) + "]}]"}),
        one({.more = ", \"ramp\": [" + repeated(from + "[" + repeated("2", 80'000) + "]}", 50) + "]"}),
        one({.more = ", \"ramp\": [" + repeated("{}", 3'000'000) + "]"}),
        "{\"plan_version\": " + std::string(10'000'000, '1') + "}",
        std::string(10'000'000, '['),
        "\"" + huge}) {
    const ExperimentCheck check = check_experiments(text, "plan.json");
    CAPTURE(text.substr(0, 200), check.diagnostics.size());
    CHECK_FALSE(check.plan.has_value());
    CHECK(check.diagnostics.size() <= 2'200);
    const auto longest =
        std::ranges::max(check.diagnostics, {}, [](const Diagnostic& d) { return to_string(d).size(); });
    CAPTURE(excerpt(to_string(longest), 200));
    CHECK(to_string(longest).size() < 500);
  }
}

TEST_CASE("a plan has the values of its document, and the shares of a step are in buckets") {
  const std::string arms =
      R"({"name": "now", "share": 0.95}, {"name": "p", "share": 0.05, "challenger": {"kind": "policy", "ref": "p.json"}},
         {"name": "w", "shadow": true, "challenger": {"kind": "rules", "ref": "sha256:00"}})";
  const std::string more =
      R"(, "start": "2024-01-01T00:00:00Z", "ramp": [{"from": "2024-01-02T00:00:00.5Z", "shares": [0.2, 0.8]}])";
  const auto plan = parse_experiments(plan_of(ExperimentText{.more = more, .arms = arms}.text()), "plan.json");
  REQUIRE(plan.experiments().size() == 1);
  const Experiment& e = plan.experiments()[0];
  CHECK(plan.layers()[e.layer].key == "customer");
  CHECK((e.first_bucket == 0 && e.end_bucket == 5000));
  REQUIRE(e.arms.size() == 2);
  CHECK_FALSE(e.arms[0].challenger.has_value());
  CHECK((e.arms[1].challenger->kind == ChallengerKind::policy && e.arms[1].challenger->ref == "p.json"));
  CHECK((e.shadow->name == "w" && e.shadow->challenger->kind == ChallengerKind::rules));
  REQUIRE(e.steps.size() == 2);
  CHECK((e.steps[0].from_us == 1'704'067'200'000'000 && e.steps[0].shares == std::vector<std::int64_t>{9500, 500}));
  CHECK((e.steps[1].from_us == 1'704'153'600'500'000 && e.steps[1].shares == std::vector<std::int64_t>{2000, 8000}));
  CHECK(plan.find("a") == 0);
  CHECK_FALSE(plan.find("b").has_value());
}

TEST_CASE("the example of docs/experiments.md is the plan in examples, and is valid") {
  const std::string root = SLUICE_SOURCE_DIR, page = read_file(root + "/docs/experiments.md");
  const std::size_t start = page.find("```json\n") + 8;
  const std::string example = read_file(root + "/examples/experiments.json");
  CHECK(page.substr(start, page.find("```", start) - start) == example);
  CHECK(parse_experiments(example, "experiments.json").experiments().size() >= 2);
}

}  // namespace sluice::test
