#include <nlohmann/json.hpp>

#include "cli/cli_support.h"
#include "sluice/base/digest.h"
#include "sluice/io/csv.h"
#include "support/catch.h"

#ifdef SLUICE_CAN_TRAIN

namespace {

using namespace sluice;
using nlohmann::json;
using test::run;

const std::string kAllow = " --allow-plugins '" SLUICE_TEST_PLUGINS "' ";

/// Number of floats in an encoded row (docs/imported_networks.md).
std::size_t n_encoded(const json& encoder) {
  std::size_t n = encoder["numbers"].size() + encoder["forest"].size() + encoder["categories"].size() + 1;
  for (const auto& number : encoder["numbers"]) n += number["missing_flag"].get<bool>();
  return n;
}

/// Writes half.txt: a network for the linear plug-in that returns half the forest's margin.
void write_half(const std::filesystem::path& folder) {
  const json encoder = json::parse(read_file(folder / "bundle" / "network.json"))["encoder"];
  std::string line = "0";
  for (std::size_t c = 0; c + 1 < n_encoded(encoder); ++c) line += " 0";
  write_file(folder / "half.txt", line + " 0.5\n");
}

/// The command that makes a bundle from the working folder's bundle and half.txt.
std::string create(const std::string& more) {
  return "sluice bundle create --forest bundle/forest-0.json --schema bundle/schema.json --policy "
         "bundle/policy.json --gain bundle/gain.json --network half.txt --out imported " +
         kAllow + more;
}

/// Changes a file of a bundle and makes the manifest's digests match again, as a forger would.
void replace_in_bundle(const std::filesystem::path& bundle, const std::string& file, const std::string& bytes) {
  json manifest = json::parse(read_file(bundle / "manifest.json"));
  manifest.erase("digest");
  manifest["files"][file] = sha256(bytes).hex();
  manifest["digest"] = "sha256:" + sha256(manifest.dump(1)).hex();
  write_file(bundle / file, bytes);
  write_file(bundle / "manifest.json", manifest.dump(1) + "\n");
}

}  // namespace

TEST_CASE("no verb runs code of a stranger's bundle unless --allow-plugins names a folder") {
  const auto& folder = test::working_folder();
  write_half(folder);
  REQUIRE(run(folder, create("--runtime linear --encoder bundle/network.json")).exit_code == 0);
  json network = json::parse(read_file(folder / "imported" / "network.json"));
  network["runtime"] = "marker";  // a plug-in whose code shows that it ran
  replace_in_bundle(folder / "imported", "network.json", network.dump());
  REQUIRE(run(folder, "cp " SLUICE_TEST_PLUGINS "/libsluice_marker.so . && mkdir -p lib && cp libsluice_marker.so lib")
              .exit_code == 0);
  const auto marked = [&](const std::string& command, int exit_code) {
    std::filesystem::remove(folder / "ran");
    const auto done =
        run(folder, "export SLUICE_TEST_MARKER=ran LD_LIBRARY_PATH=.:'" SLUICE_TEST_PLUGINS "'; " + command);
    CAPTURE(command, done.out, done.err);
    CHECK(done.exit_code == exit_code);
    if (exit_code == 1) CHECK_THAT(done.err, Catch::Contains("bundle.plugin") && Catch::Contains("--allow-plugins"));
    return std::filesystem::exists(folder / "ran");
  };
  const std::string data = " --data transactions.csv ";
  for (const auto& quiet :
       std::vector<std::string>{"bundle verify imported", "bundle inspect imported", "doctor --bundle imported",
                                "bundle encode --bundle imported --label fraud --out e.csv" + data})
    CHECK_FALSE(marked("sluice " + quiet, 0));
  for (const auto& scores : std::vector<std::string>{
           "score --bundle imported --out i.csv" + data, "backtest --bundle imported --label fraud --out b" + data,
           "explain --bundle imported --row 0" + data, "replay --audit log --bundle imported",
           "policy diff bundle/policy.json examples/thresholds.json --bundle imported --audit log",
           "bundle promote bundle --to imported --label fraud" + data})
    CHECK_FALSE(marked("sluice " + scores, 1));
  CHECK(marked("sluice bundle verify imported" + kAllow, 3));  // the marker is opened, and is not a plug-in
}

TEST_CASE("a network of another runtime becomes a bundle that scores, verifies and can be inspected") {
  const auto& folder = test::working_folder();
  write_half(folder);
  const auto made = run(folder, create("--runtime linear --encoder bundle/network.json"));
  CAPTURE(made.err);
  REQUIRE(made.exit_code == 0);

  CHECK_THAT(run(folder, "sluice bundle inspect imported").out,
             Catch::Contains("network.txt, code for the runtime linear"));
  const auto verified = run(folder, "sluice bundle verify imported" + kAllow);
  CHECK(verified.exit_code == 0);
  CHECK_THAT(verified.out, Catch::Contains("parity.json: ok") && Catch::Contains("margins of the network reproduced"));
  const auto scored =
      run(folder, "sluice score --bundle imported --data transactions.csv --quiet --out i.jsonl" + kAllow);
  CAPTURE(scored.err);
  REQUIRE(scored.exit_code == 0);
  std::istringstream lines(read_file(folder / "i.jsonl"));
  std::size_t n_forwarded = 0;
  for (std::string text; std::getline(lines, text);) {
    const auto record = json::parse(text);
    if (record["network"].is_null()) continue;
    ++n_forwarded;
    REQUIRE(record["network"]["margin"].get<double>() == Approx(0.5 * record["forest"]["margin"].get<double>()));
  }
  CHECK(n_forwarded > 0);
}

TEST_CASE("the network reads the encoded rows: a linear network applied to them gives the margins of score") {
  const auto& folder = test::working_folder();
  REQUIRE(run(folder, "head -n 200 transactions.csv >few.csv").exit_code == 0);
  write_half(folder);
  REQUIRE(run(folder, create("--runtime linear --encoder bundle/network.json")).exit_code == 0);
  const auto encoded =
      run(folder, "sluice bundle encode --bundle imported --data few.csv --label fraud --fit fitted.json --out e.csv");
  CAPTURE(encoded.err);
  REQUIRE(encoded.exit_code == 0);
  const json encoder = json::parse(read_file(folder / "fitted.json"))["encoder"];
  std::vector<double> numbers = {0.125};
  for (std::size_t c = 0; c < n_encoded(encoder); ++c) numbers.push_back(0.01 * static_cast<double>(c % 7) - 0.02);
  std::string line;
  for (const double x : numbers) line += std::to_string(x) + " ";
  write_file(folder / "half.txt", line);
  REQUIRE(run(folder, create("--runtime linear --encoder fitted.json")).exit_code == 0);
  REQUIRE(run(folder, "sluice score --bundle imported --data few.csv --quiet --out few.jsonl" + kAllow).exit_code == 0);

  const auto rows = io::open_records((folder / "e.csv").string());
  REQUIRE(rows->header().size() == numbers.size());  // the label column takes the place of the bias
  CHECK(rows->header().back() == "label.fraud");
  std::istringstream records(read_file(folder / "few.jsonl"));
  std::vector<std::string_view> cells;
  std::size_t n_rows = 0, n_forwarded = 0;
  for (std::string text; std::getline(records, text); ++n_rows) {
    REQUIRE(rows->next(cells));
    const auto record = json::parse(text);
    double expected = numbers[0];
    for (std::size_t c = 0; c + 1 < cells.size(); ++c) expected += numbers[c + 1] * std::stod(std::string(cells[c]));
    if (record["network"].is_null()) continue;
    ++n_forwarded;
    REQUIRE(record["network"]["margin"].get<double>() == Approx(expected).margin(1e-4));
  }
  CHECK(n_rows == 199);
  CHECK(n_forwarded > 0);
}

TEST_CASE("bundle create reports what an imported network lacks") {
  const auto& folder = test::working_folder();
  write_file(folder / "half.txt", "1 2\n");
  CHECK(run(folder, create("")).exit_code == 2);
  CHECK(run(folder, create("--encoder bundle/network.json")).exit_code == 2);  // which runtime?
  const auto narrow = run(folder, create("--runtime linear --encoder bundle/network.json"));
  CHECK(narrow.exit_code == 1);
  CHECK_THAT(narrow.err, Catch::Contains("network.open") && Catch::Contains("one weight per column"));
  const auto missing = run(folder, create("--runtime no_such --encoder bundle/network.json"));
  CHECK(missing.exit_code == 1);
  CHECK_THAT(missing.err, Catch::Contains("libsluice_no_such.so") && Catch::Contains("hint"));
  const auto no_encoder = run(folder, create("--runtime linear --encoder bundle/policy.json"));
  CHECK_THAT(no_encoder.err, Catch::Contains("the file has no encoder"));
}

TEST_CASE("verify is exit 3 if the network gives other margins than before, even if every hash matches") {
  const auto& folder = test::working_folder();
  const auto sound = run(folder, "sluice bundle verify bundle");
  CHECK(sound.exit_code == 0);
  json parity = json::parse(read_file(folder / "bundle" / "parity.json"));
  CHECK(parity["tolerance"] == 0);
  CHECK_THAT(sound.out, Catch::Contains("parity: " + std::to_string(parity["margins"].size()) + " margins"));

  const test::TempDir other;
  std::filesystem::copy(folder / "bundle", other / "drifted", std::filesystem::copy_options::recursive);
  parity["margins"][3] = parity["margins"][3].get<double>() + 0.25;
  replace_in_bundle(other / "drifted", "parity.json", parity.dump());
  const auto drifted = run(other.path(), "sluice bundle verify drifted");
  CHECK(drifted.exit_code == 3);
  CHECK_THAT(drifted.out,
             Catch::Contains("parity.json: ok") && Catch::Contains("bundle.parity") && Catch::Contains("/margins/3"));
}

#endif
