#include <nlohmann/json.hpp>

#include "cli/cli_support.h"
#include "experiment/experiment_support.h"
#include "support/catch.h"

namespace sluice::test {

TEST_CASE("sluice experiment check reports faults with exit code 3, assign prints the arm, both without a log") {
  const TempDir dir;
  write_file(dir / "plan.json", kTwoExperiments);
  std::string bad = kTwoExperiments;
  bad.replace(bad.find("0.6"), 3, "0.7");
  write_file(dir / "bad.json", bad);
  CHECK(run(dir.path(), "sluice experiment check plan.json").exit_code == 0);
  const auto r = run(dir.path(), "sluice experiment check plan.json bad.json");
  CHECK(r.exit_code == 3);
  CHECK(r.out.find("experiment.share_sum: bad.json at /experiments/0/arms") != std::string::npos);
  const auto plan = experiment::parse_experiments(kTwoExperiments, "plan.json");
  for (const char* key : {"1", "2", "3", "4", "5", "6"}) {
    const auto told =
        run(dir.path(), std::string("sluice experiment assign plan.json --at 2023-11-16T00:00:00Z --key ") + key);
    REQUIRE(told.exit_code == 0);
    CAPTURE(key, told.out);
    const auto assignment = plan.assign(key, kNoon + kDay + kDay / 2);
    for (const auto& place : assignment.places()) {
      const auto& e = plan.experiments()[place.experiment];
      const auto line = told.out.find("\n" + plan.layers()[e.layer].name + " ");
      REQUIRE(line != std::string::npos);
      CHECK(told.out.substr(line, told.out.find('\n', line + 1) - line).find(" " + e.arms[place.arm].name + " ") !=
            std::string::npos);
    }
  }
  CHECK(run(dir.path(), "sluice experiment assign plan.json --key 1 --at noon").exit_code == 2);
  CHECK(run(dir.path(), "sluice experiment assign bad.json --key 1").exit_code == 1);
}

TEST_CASE(
    "sluice experiment report writes table, JSON and HTML, and a ratio that does not fit the plan is exit code 3") {
  const TempDir dir;
  const ExperimentLog log(dir.path());
  write_file(dir / "costs.json", R"({"false_positive": 0.1, "false_negative": 0.7, "review": 3})");
  const std::string base = "sluice experiment report --audit log --plan ",
                    labels = " --labels labels.csv --id number --label outcome --amount worth --costs costs.json";
  const auto r = run(dir.path(), base + "plan.json" + labels + " --json r.json --html r.html");
  CAPTURE(r.out, r.err);
  REQUIRE(r.exit_code == 0);
  const auto json = nlohmann::json::parse(read_file(dir / "r.json"));
  CHECK(json["experiments"][0]["decisions"].get<std::size_t>() > 2000);
  CHECK(json["costs"]["by_amount"] == true);
  CHECK(read_file(dir / "r.html").starts_with("<!doctype html>"));
  CHECK(r.out.find("cost per decision") != std::string::npos);
  CHECK(r.err.find("of 1500 subjects") != std::string::npos);
  CHECK(run(dir.path(), base + "plan.json --unit subject").exit_code == 0);
  std::string other = kTwoExperiments;
  other.replace(other.find(R"("share": 0.5)"), 12, R"("share": 0.4)");
  other.replace(other.find(R"("share": 0.5)"), 12, R"("share": 0.6)");
  write_file(dir / "other.json", other);
  const auto found = run(dir.path(), base + "other.json");
  CHECK(found.exit_code == 3);
  CHECK(found.out.find("does NOT fit") != std::string::npos);
}

TEST_CASE("sluice experiment report refuses conflicting flags and settings that give no interval") {
  const TempDir dir;
  const ExperimentLog log(dir.path(), 20);
  const std::string base = "sluice experiment report --audit log --plan plan.json";
  CHECK(run(dir.path(), base + " --label outcome").exit_code == 2);
  CHECK(run(dir.path(), base + " --labels labels.csv --id number").exit_code == 2);
  CHECK(run(dir.path(), base + " --labels labels.csv --id numbr --label outcome").exit_code == 1);
  CHECK(run(dir.path(), base + " --alpha 1.5").exit_code == 1);
  CHECK(run(dir.path(), "sluice experiment report --audit nowhere --plan plan.json").exit_code == 1);
  CHECK(run(dir.path(), base).exit_code == 0);
}

}  // namespace sluice::test
