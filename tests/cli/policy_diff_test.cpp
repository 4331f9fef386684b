// The effect of a policy change, over rows and over the log of their decisions.
#include <nlohmann/json.hpp>

#include "cli/logged_folder.h"
#include "sluice/cascade/engine.h"

using namespace sluice;
using cascade::Action;
using test::run;

namespace {

/// A logged folder with a second policy.
struct Changed : test::LoggedFolder {
  explicit Changed(const std::string& score_flags = "") : LoggedFolder(400, score_flags) {
    auto other = std::make_shared<cascade::Bundle>(*bundle);
    other->policy.level0 = {0.3, 0.5, Action::review};
    other->policy.version = 9;
    write_file(path() / "new.json", other->policy.to_json());
    const cascade::Engine then(bundle), now(other);
    for (std::size_t i = 0; i < rows.n_rows(); ++i) {
      const Action a = then.decide(rows.row(i)).action, b = now.decide(rows.row(i)).action;
      ++cells[std::string(rules::to_string(a)) + ">" + rules::to_string(b)];
      n_changed += a != b;
    }
    REQUIRE(n_changed > 20);
  }

  test::Run diff(const std::string& more) const {
    return run(path(), "sluice policy diff bundle/policy.json new.json --bundle bundle --quiet " + more);
  }
  nlohmann::json json() const { return nlohmann::json::parse(read_file(path() / "i.json")); }

  std::map<std::string, std::uint64_t> cells;
  std::uint64_t n_changed = 0;
};

std::map<std::string, std::uint64_t> cells_of(const nlohmann::json& report) {
  std::map<std::string, std::uint64_t> cells;
  for (const auto& cell : report["actions"])
    cells[cell["from"].get<std::string>() + ">" + cell["to"].get<std::string>()] = cell["rows"];
  return cells;
}

}  // namespace

TEST_CASE("policy diff over rows and over their log gives the swap set of deciding each row twice") {
  const Changed changed;
  for (const std::string source : {"--data rows.csv --id id --label bad", "--audit log"}) {
    const auto diff = changed.diff(source + " --by country --json i.json --html i.html");
    CAPTURE(source, diff.err, diff.out);
    REQUIRE(diff.exit_code == 0);
    const auto report = changed.json();
    CHECK(cells_of(report) == changed.cells);
    CHECK(report["changed"] == changed.n_changed);
    CHECK(report["log"].is_null() == (source != "--audit log"));
    CHECK_THAT(diff.out, Catch::Contains("/levels/L0/approve_below") &&
                             Catch::Contains(std::to_string(changed.n_changed) + " of 400 decisions change action"));
    CHECK_THAT(read_file(changed.path() / "i.html"), Catch::EndsWith("</html>\n"));
    if (source == "--audit log")
      CHECK_THAT(diff.out, Catch::Contains("the old policy reproduces all 400 stored decisions, bit for bit"));
  }
}

TEST_CASE("late labels price a log's decisions as the table's label does") {
  const Changed changed;
  write_file(changed.path() / "costs.json", R"({"false_positive": 2, "false_negative": 30, "review": 1})");
  REQUIRE(run(changed.path(),
              "sluice labels join --audit log --bundle bundle --labels labels.csv --id request --label "
              "outcome --out joined.csv")
              .exit_code == 0);
  REQUIRE(changed.diff("--data joined.csv --id id --label outcome --costs costs.json --json i.json").exit_code == 0);
  const auto of_rows = changed.json();
  REQUIRE(changed.diff("--audit log --labels labels.csv --id request --label outcome --costs costs.json --json i.json")
              .exit_code == 0);
  const auto of_log = changed.json();
  CHECK(of_log["costs"]["rows_by_label"] == 200);
  CHECK(of_rows["costs"]["rows_by_label"] == 200);
  std::uint64_t bad_log = 0, bad_rows = 0;
  for (const auto& cell : of_log["actions"]) bad_log += cell["bad"].get<std::uint64_t>();
  for (const auto& cell : of_rows["actions"]) bad_rows += cell["bad"].get<std::uint64_t>();
  CHECK(bad_log == bad_rows);
}

TEST_CASE("too many changes, and a log that the old policy does not reproduce, are exit 3") {
  const Changed changed;
  const double share = static_cast<double>(changed.n_changed) / 400;
  CHECK(changed.diff("--data rows.csv --max-changed " + std::to_string(share + 0.001)).exit_code == 0);
  CHECK(changed.diff("--data rows.csv --max-changed " + std::to_string(share - 0.001)).exit_code == 3);
  const auto wrong = run(changed.path(), "sluice policy diff new.json bundle/policy.json --bundle bundle --audit log");
  CHECK(wrong.exit_code == 3);
  CHECK_THAT(wrong.out, Catch::Contains("NO CERTIFICATE: ") && Catch::Contains(" of 400 stored decisions"));
}

TEST_CASE("a damaged log is refused") {
  const Changed changed;
  REQUIRE(run(changed.path(), "printf x | dd of=log/00000000.log bs=1 seek=5000 conv=notrunc").exit_code == 0);
  const auto diff = changed.diff("--audit log");
  CHECK(diff.exit_code == 1);
  CHECK_THAT(diff.err, Catch::Contains("log.damaged"));
}

TEST_CASE("the decisions of erased subjects are not compared, and the report counts them") {
  const Changed changed("--audit-keys --subject customer");
  REQUIRE(run(changed.path(), "sluice audit erase log --subject customer-3").exit_code == 0);
  const auto diff = changed.diff("--audit log --json i.json");
  CAPTURE(diff.out, diff.err);
  REQUIRE(diff.exit_code == 0);
  const auto report = changed.json();
  CHECK(report["log"]["erased"].get<int>() > 50);
  CHECK(report["log"]["erased"].get<int>() + report["rows"].get<int>() == 400);
}

TEST_CASE("policies without data are compared field by field, and conflicting flags are wrong usage") {
  const Changed changed;
  const auto diff = run(changed.path(), "sluice policy diff bundle/policy.json new.json");
  CHECK(diff.exit_code == 0);
  CHECK_THAT(diff.out, Catch::Contains("/policy_version") && Catch::Contains("7") && Catch::Contains("9"));
  CHECK(run(changed.path(), "sluice policy diff new.json new.json").out == "the policies are equal\n");
  for (const char* flags :
       {"", "--data rows.csv --audit log", "--audit log --label bad", "--audit log --labels labels.csv --label outcome",
        "--data rows.csv --labels labels.csv --id id", "--data rows.csv --max-changed 2"})
    CHECK(changed.diff(flags).exit_code == 2);
  CHECK(run(changed.path(), "sluice policy diff bundle/policy.json new.json --json x.json").exit_code == 2);
  CHECK_THAT(changed.diff("--data rows.csv --by countri").err, Catch::Contains("schema.unknown_column"));
}
