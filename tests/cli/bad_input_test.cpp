// Faults that a user's own files can have, each with a message that helps to fix it.
#include "cli/cli_support.h"
#include "sluice/base/random.h"
#include "support/catch.h"

using namespace sluice;
using test::run;

#ifdef SLUICE_CAN_TRAIN

namespace {

/// 400 rows with two numbers, a word and a label.
std::string sound_table() {
  std::string text = "amount,score,country,bad\n";
  Random random(1);
  for (int i = 0; i < 400; ++i) {
    const double amount = random.uniform(1, 100);
    text += std::to_string(amount) + "," + std::to_string(random.normal()) + "," +
            (random.uniform() < 0.5 ? "NL" : "DE") + "," + (random.uniform(0, 100) < amount ? "1" : "0") + "\n";
  }
  return text;
}

void expect_error(const std::string& table, const std::string& flags, const std::vector<std::string>& parts) {
  const test::TempDir folder;
  write_file(folder / "t.csv", table);
  const auto r = run(folder.path(), "sluice train --data t.csv --out bundle --quiet " + flags);
  CAPTURE(flags, r.err);
  REQUIRE(r.exit_code == 1);
  for (const auto& part : parts) REQUIRE_THAT(r.err, Catch::Contains(part));
  REQUIRE_FALSE(std::filesystem::exists(folder / "bundle"));
}

}  // namespace

TEST_CASE("files that are not valid tables are refused with file and line") {
  expect_error("", "--label bad", {"csv.empty", "t.csv"});
  expect_error("amount,bad\n", "--label bad", {"data.no_rows", "t.csv"});
  expect_error("amount,amount,bad\n1,2,0\n", "--label bad", {"csv.duplicate_column", "amount"});
  expect_error("amount,bad\n1,0\n1,2,3\n", "--label bad", {"csv.field_count", "line 3", "3 fields", "2"});
  expect_error("amount,bad\n1,0\n1\n", "--label bad", {"csv.field_count", "line 3"});
  expect_error(std::string("amount,bad\n1,0\n\0,1\n", 18), "--label bad", {"csv.nul", "line 3"});
  expect_error("amount,bad\n1,0\n\xff,1\n", "--label bad", {"csv.utf8", "line 3"});
  expect_error("amount,bad\n1,0\n" + std::string(10 << 20, 'x') + ",1\n", "--label bad",
               {"csv.field_too_long", "line 3"});
}

TEST_CASE("missing and invalid labels are refused with a hint") {
  expect_error(sound_table(), "--label badd", {"schema.unknown_column", "badd", "did you mean \"bad\"?"});
  expect_error(sound_table(), "--label country --positive XX", {"data.one_class", "country", "--positive"});
  expect_error(sound_table(), "--label country", {"rows.label", "line 2", "--positive"});
  std::string table = sound_table();
  table += "5,1,NL,\n";
  expect_error(table, "--label bad", {"rows.label_missing", "line 402"});
}

TEST_CASE("a text in a number column is reported with line and column") {
  std::string table = sound_table();
  table += "lots,1,NL,1\n";
  expect_error(table, "--label bad", {"schema.text_in_number", "line 402", "amount", "lots", "missing_codes"});
}

TEST_CASE("an output folder that cannot be written is refused before training") {
  const test::TempDir folder;
  write_file(folder / "t.csv", sound_table());
  std::filesystem::create_directory(folder / "mine");
  auto r = run(folder.path(), "sluice train --data t.csv --label bad --out nowhere/bundle --quiet --search 500");
  REQUIRE(r.exit_code == 1);
  REQUIRE_THAT(r.err, Catch::Contains("file.write") && Catch::Contains("nowhere/bundle"));
  r = run(folder.path(), "sluice train --data t.csv --label bad --out mine --quiet --search 500");
  REQUIRE(r.exit_code == 1);
  REQUIRE_THAT(r.err, Catch::Contains("bundle.exists") && Catch::Contains("mine"));
}

TEST_CASE("constant and all-missing columns are omitted with a warning") {
  std::string table = "flat,hole,amount,bad\n";
  Random random(2);
  for (int i = 0; i < 400; ++i)
    table += "7,," + std::to_string(random.normal()) + "," + (random.uniform() < 0.5 ? "1" : "0") + "\n";
  const test::TempDir folder;
  write_file(folder / "t.csv", table);
  const auto r =
      run(folder.path(), "sluice train --data t.csv --label bad --out bundle --quiet --network none --search 1");
  CAPTURE(r.err);
  REQUIRE(r.exit_code == 0);
  REQUIRE_THAT(r.err, Catch::Contains("\"flat\" has one value") && Catch::Contains("\"hole\" is missing in every row"));
}

TEST_CASE("score: unknown words and extra columns are warnings, a missing feature column is an error") {
  const auto& folder = test::working_folder();
  REQUIRE(run(folder,
              "head -n 50 transactions.csv | sed '1!s/,online,/,telex,/' >words.csv && sluice score --bundle bundle "
              "--data words.csv --out w.csv --quiet")
              .exit_code == 0);
  REQUIRE_THAT(read_file(folder / ".err"), Catch::Contains("channel") && Catch::Contains("telex"));
  REQUIRE_THAT(read_file(folder / ".err"), Catch::Contains("scenario"));
  const auto r = run(folder,
                     "head -n 50 transactions.csv | cut -d, -f1-4,6- >narrow.csv; sluice score --bundle bundle --data "
                     "narrow.csv --out n.csv");
  REQUIRE(r.exit_code == 1);
  REQUIRE_THAT(r.err, Catch::Contains("rows.missing_column") && Catch::Contains("amount"));
  REQUIRE_FALSE(std::filesystem::exists(folder / "n.csv"));
}

#endif

TEST_CASE("policy check reports inverted bands, NaN and unknown keys") {
  const test::TempDir folder;
  write_file(
      folder / "inverted.json",
      R"({"policy_version": 1, "band": {"low": 0.8, "high": 0.2}, "levels": {"L0": {"approve_below": 0.2, "decline_from": 0.7}, "L1": {"approve_below": 0.2, "decline_from": 0.7}}})");
  write_file(folder / "nan.json", R"({"policy_version": 1, "band": {"low": NaN, "high": 0.2}})");
  write_file(folder / "keys.json",
             R"({"policy_versoin": 1, "band": null, "levels": {"L0": {"aprove_below": 0.2, "decline_from": 0.7}}})");
  const auto r = run(folder.path(), "sluice policy check inverted.json nan.json keys.json");
  CAPTURE(r.out);
  REQUIRE(r.exit_code == 3);
  for (const char* part :
       {"policy.band_inverted: inverted.json at /band: low 0.8 is above high 0.2", "nan.json: line 1",
        "did you mean \"policy_version\"?", "keys.json at /levels/L0/aprove_below"})
    REQUIRE_THAT(r.out, Catch::Contains(part));
}

TEST_CASE("a rule file with ten errors reports all ten") {
  const auto& folder = test::working_folder();
  std::string rules =
      R"({"ruleset": "ten", "version": 1, "hit_policy": "priority", "priority": ["DECLINE", "REVIEW", "APPROVE"], "rules": [)";
  const char* const wrong[] = {"amount >",           "amout > 5 USD",         "amount > 5", "amount > 5 km",
                               "channel == 'onlin'", "amount + hour > 5 USD", "hour",       "channel > 5",
                               "(amount > 5 USD",    "is_night && 3"};
  for (int i = 0; i < 10; ++i)
    rules += std::string(i ? "," : "") + R"({"id": "R)" + std::to_string(i) + R"(", "when": ")" + wrong[i] +
             R"(", "on_missing": "SKIP", "then": {"action": "REVIEW", "reason": "X"}})";
  write_file(folder / "ten.json", rules + "]}");
  const auto r = run(folder, "sluice rules check ten.json --schema examples/schema.json");
  CAPTURE(r.out);
  REQUIRE(r.exit_code == 3);
  for (int i = 0; i < 10; ++i) REQUIRE_THAT(r.out, Catch::Contains("/rules/" + std::to_string(i) + "/when"));
}
