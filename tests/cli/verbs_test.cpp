#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "cli/cli_support.h"
#include "sluice/base/file.h"
#include "sluice/io/csv.h"
#include "support/catch.h"

using namespace sluice;
using test::run;

namespace {

constexpr const char* kVerbs[] = {"simulate",
                                  "train",
                                  "score",
                                  "backtest",
                                  "explain",
                                  "rules check",
                                  "rules test",
                                  "rules eval",
                                  "policy check",
                                  "bundle inspect",
                                  "bundle verify",
                                  "bundle create",
                                  "bundle promote",
                                  "bundle encode",
                                  "audit verify",
                                  "audit prove",
                                  "audit show",
                                  "audit export",
                                  "replay",
                                  "experiment check",
                                  "experiment assign",
                                  "experiment report",
                                  "forest inspect",
                                  "forest predict",
                                  "forest contribs",
                                  "doctor",
                                  "review queue",
                                  "review record",
                                  "review import",
                                  "labels join",
                                  "policy diff",
                                  "audit retain"};

}  // namespace

TEST_CASE("every verb's help shows an example that runs") {
  const auto& folder = test::working_folder();
  if (!test::has_bundle()) {
    WARN("SKIP the verbs' examples: this build cannot train the bundle they need");
    return;
  }
  for (const std::string verb : kVerbs) {
    if (verb == "train" || verb == "simulate")
      continue;  // tested below: they would replace the files that the others need
    const auto help = run(folder, "sluice " + verb + " --help");
    CAPTURE(verb, help.out, help.err);
    REQUIRE(help.exit_code == 0);
    const std::string example = test::example_of(help.out);
    REQUIRE_THAT(example, Catch::StartsWith("sluice " + verb));
    const auto r = run(folder, example);
    CAPTURE(example, r.out, r.err);
    REQUIRE(r.exit_code == 0);
  }
}

TEST_CASE("the examples of simulate and train run in a separate folder") {
  const test::TempDir folder;
  std::filesystem::create_directory_symlink(std::filesystem::path(SLUICE_SOURCE_DIR) / "examples", folder / "examples");
  const auto simulate = test::example_of(run(folder.path(), "sluice simulate --help").out);
  REQUIRE(run(folder.path(), simulate).exit_code == 0);
  REQUIRE(std::filesystem::exists(folder / "transactions.csv"));
#ifdef SLUICE_CAN_TRAIN
  const auto r = run(folder.path(), test::example_of(run(folder.path(), "sluice train --help").out));
  CAPTURE(r.err);
  REQUIRE(r.exit_code == 0);
  REQUIRE_THAT(r.out, Catch::Contains("cascade") && Catch::Contains("sha256:"));
#else
  WARN("SKIP train: this build cannot");
#endif
}

#ifdef SLUICE_CAN_TRAIN

TEST_CASE("replay recomputes the reasons by attribution to the bit") {
  const auto& folder = test::working_folder();
  REQUIRE(run(folder,
              "head -301 transactions.csv >few.csv && sluice score --bundle bundle --data few.csv --out few.jsonl "
              "--reasons all --audit reasons_log --quiet")
              .exit_code == 0);
  const auto same = run(folder, "sluice replay --audit reasons_log --bundle bundle --reasons --threads 1");
  CAPTURE(same.out, same.err);
  REQUIRE(same.exit_code == 0);
  REQUIRE_THAT(same.out, Catch::Contains("300 records, 0 differ"));
}

TEST_CASE("a log's decisions joined with their late labels can be trained on with the bundle's schema") {
  const auto& folder = test::working_folder();
  REQUIRE(run(folder,
              "sluice score --bundle bundle --data transactions.csv --out joined_from.csv --id transaction_id "
              "--audit joined_log --quiet")
              .exit_code == 0);
  const auto joined = run(folder,
                          "sluice labels join --audit joined_log --bundle bundle --labels transactions.csv --id "
                          "transaction_id --label fraud --out joined.csv");
  CAPTURE(joined.err);
  REQUIRE(joined.exit_code == 0);
  write_file(folder / "again.json", R"({"forest": {"search": 1, "folds": 2, "max_rounds": 5},
                                        "network": {"members": [{"kind": "mlp", "count": 1, "hidden": [2]}], "max_epochs": 1}})");
  const auto trained = run(folder,
                           "sluice train --data joined.csv --label fraud --schema bundle/schema.json --config "
                           "again.json --out again --quiet");
  CAPTURE(trained.out, trained.err);
  REQUIRE(trained.exit_code == 0);
  REQUIRE_THAT(trained.out, Catch::Contains("sha256:"));
}

TEST_CASE("bundle promote replaces a bundle only with a better one") {
  const auto& folder = test::working_folder();
  write_file(folder / "weak.json", R"({"forest": {"search": 1, "folds": 2, "max_rounds": 1},
                                       "network": {"members": [{"kind": "mlp", "count": 1, "hidden": [2]}], "max_epochs": 1}})");
  REQUIRE(run(folder,
              "sluice train --data transactions.csv --label fraud --schema examples/schema.json --config "
              "weak.json --out weak --quiet")
              .exit_code == 0);
  const std::string to_place = " --to place --data transactions.csv --label fraud --metric log_loss --quiet";
  REQUIRE(run(folder, "sluice bundle promote weak" + to_place).exit_code == 0);
  const auto better = run(folder, "sluice bundle promote bundle --min-gain 0.0001 --by ann --why season" + to_place);
  CAPTURE(better.out, better.err);
  REQUIRE(better.exit_code == 0);
  REQUIRE_THAT(better.out, Catch::Contains("promoted: place"));
  const auto worse = run(folder, "sluice bundle promote weak" + to_place);
  REQUIRE(worse.exit_code == 3);
  REQUIRE_THAT(worse.out, Catch::Contains("below --min-gain"));
  REQUIRE(run(folder, "sluice bundle promote bundle" + to_place).out.find("in service already") != std::string::npos);
  REQUIRE_THAT(read_file(folder / "place.history.jsonl"), Catch::Contains(R"("who":"ann","why":"season")"));
}

TEST_CASE("score writes the documented columns, and the same decisions in all three formats") {
  const auto& folder = test::working_folder();
  for (const char* name : {"d.csv", "d.jsonl", "d.arrow"})
    REQUIRE(run(folder,
                std::string("sluice score --bundle bundle --data transactions.csv --id transaction_id --quiet --out ") +
                    name)
                .exit_code == 0);
  const auto csv = io::open_records((folder / "d.csv").string()),
             arrow = io::open_records((folder / "d.arrow").string());
  const std::vector<std::string> header = {"row",      "id",        "action",  "path",          "level",
                                           "p_forest", "p_network", "p_final", "margin_forest", "margin_network",
                                           "reasons"};
  REQUIRE(csv->header() == header);
  REQUIRE(arrow->header() == header);
  std::vector<std::string_view> c, a;
  std::istringstream lines(read_file(folder / "d.jsonl"));
  std::size_t n = 0, forwarded = 0;
  for (std::string line; csv->next(c); ++n) {
    REQUIRE(arrow->next(a));
    REQUIRE(c == a);
    REQUIRE(std::getline(lines, line));
    const auto record = nlohmann::json::parse(line);
    REQUIRE(record["action"] == std::string(c[2]));
    REQUIRE(record["level"] == std::string(c[4]));
    REQUIRE(record["row"] == n);
    if (!c[7].empty()) REQUIRE(record["p_final"].get<double>() == std::stod(std::string(c[7])));
    forwarded += !c[6].empty();
  }
  REQUIRE(n == 8000);
  REQUIRE(forwarded > 0);
}

TEST_CASE("score gives the same bytes for any number of threads, from CSV, gzip and standard input") {
  const auto& folder = test::working_folder();
  REQUIRE(run(folder,
              "sluice score --bundle bundle --data transactions.csv --out one.csv --threads 1 --quiet && sluice score "
              "--bundle bundle --data transactions.csv --out three.csv --threads 3 --quiet && cmp one.csv three.csv")
              .exit_code == 0);
  REQUIRE(run(folder,
              "gzip -k -f transactions.csv && sluice score --bundle bundle --data transactions.csv.gz --out gz.csv "
              "--quiet && cmp one.csv gz.csv")
              .exit_code == 0);
  REQUIRE(run(folder,
              "cat transactions.csv | sluice score --bundle bundle --data - --out stdin.csv --quiet && cmp one.csv "
              "stdin.csv")
              .exit_code == 0);
}

TEST_CASE("a changed byte in any file of a bundle is refused with the file's name, and verify is exit 3") {
  const auto& folder = test::working_folder();
  for (const char* file : {"manifest.json", "schema.json", "forest-0.json", "network.safetensors", "policy.json",
                           "calibration.json", "rules/pre.json", "backgrounds/population.arrow"}) {
    REQUIRE(run(folder, std::string("rm -rf broken && cp -r bundle broken && printf x | dd of=broken/") + file +
                            " bs=1 seek=40 conv=notrunc")
                .exit_code == 0);
    const auto r = run(folder, "sluice score --bundle broken --data transactions.csv --out b.csv");
    CAPTURE(file, r.err);
    REQUIRE(r.exit_code == 1);
    REQUIRE_THAT(r.err, Catch::Contains(file));
    if (std::string(file) != "manifest.json") REQUIRE(run(folder, "sluice bundle verify broken").exit_code == 3);
  }
  REQUIRE(run(folder,
              "rm -rf cut && cp -r bundle cut && truncate -s -5 cut/network.safetensors && sluice bundle inspect cut")
              .exit_code == 1);
  REQUIRE(run(folder, "sluice bundle verify bundle").exit_code == 0);
}

TEST_CASE("the same seed trains the same bundle twice, with or without progress on epochs") {
  const auto& folder = test::working_folder();
  const std::string train =
      "sluice train --data transactions.csv --label fraud --schema examples/schema.json --config train.json --seed 5 "
      "--json --out ";
  const auto quiet = run(folder, train + "twin1 --quiet"), told = run(folder, train + "twin2");
  REQUIRE(quiet.exit_code == 0);
  REQUIRE(told.exit_code == 0);
  REQUIRE(run(folder, "cmp twin1/manifest.json twin2/manifest.json").exit_code == 0);
  REQUIRE(told.out == quiet.out);
#ifdef SLUICE_CAN_TRAIN
  std::size_t n_epochs = 0, n_lines = 0;
  const auto report = nlohmann::json::parse(told.out);
  for (const auto& member : report.at("network_history")) n_epochs += member.size();
  static const std::regex line(
      R"(network \d  epoch +\d  train loss 0\.\d{5}  validation loss 0\.\d{5}  AUC [01]\.\d{4}  rate \d\.\d\de-\d\d(  best)?)");
  std::istringstream lines(told.err);
  for (std::string text; std::getline(lines, text);) {
    if (!text.starts_with("network 0") && !text.starts_with("network 1")) continue;
    CAPTURE(text);
    CHECK(std::regex_match(text, line));
    ++n_lines;
  }
  CHECK(n_epochs >= 2);
  CHECK(n_lines == n_epochs);
  REQUIRE_THAT(quiet.err, !Catch::Contains("epoch"));
#endif
}

TEST_CASE("Ctrl-C during training leaves no bundle") {
  const auto& folder = test::working_folder();
  const auto r = run(folder,
                     "sluice train --data transactions.csv --label fraud --drop scenario --out stopped --search 50 "
                     "--quiet & pid=$!; sleep 2; kill -TERM $pid; wait $pid");
  CAPTURE(r.err);
  REQUIRE(r.exit_code == 1);
  REQUIRE_THAT(r.err, Catch::Contains("interrupted"));
  REQUIRE(run(folder, "ls -d stopped* 2>/dev/null | wc -l").out == "0\n");
}

TEST_CASE("a feature that leaks the label is named in a warning") {
  const auto r =
      run(test::working_folder(),
          "sluice train --data transactions.csv --label fraud --config train.json --network none --out leaky --quiet");
  CAPTURE(r.err);
  REQUIRE(r.exit_code == 0);
  REQUIRE_THAT(r.err, Catch::Contains("scenario") && Catch::Contains("AUC"));
}

TEST_CASE("forest contribs add up to forest predict's margins") {
  const auto& folder = test::working_folder();
  const std::string model = "bundle/forest-0.json --schema bundle/schema.json --data head.csv --quiet ";
  REQUIRE(run(folder, "head -n 101 transactions.csv >head.csv && sluice forest contribs " + model +
                          "--out c.csv && sluice forest predict " + model + "--margin --out m.csv")
              .exit_code == 0);
  const auto contribs = io::open_records((folder / "c.csv").string()),
             margins = io::open_records((folder / "m.csv").string());
  REQUIRE(contribs->header().back() == "bias");
  REQUIRE(margins->header() == std::vector<std::string>{"row", "margin"});
  std::vector<std::string_view> c, m;
  std::size_t n = 0;
  for (; contribs->next(c); ++n) {
    REQUIRE(margins->next(m));
    double sum = 0;
    for (std::size_t i = 1; i < c.size(); ++i) sum += std::stod(std::string(c[i]));
    REQUIRE(sum == Approx(std::stod(std::string(m[1]))).margin(1e-5));
  }
  REQUIRE(n == 100);
}

#endif
