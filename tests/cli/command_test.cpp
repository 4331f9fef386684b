#include <csignal>

#include "cli/cli_support.h"
#include "support/catch.h"

using namespace sluice;
using test::run;

TEST_CASE("wrong usage is exit 2 and suggests the nearest verb or flag") {
  const auto& folder = test::working_folder();
  auto r = run(folder, "sluice scroe");
  REQUIRE(r.exit_code == 2);
  REQUIRE_THAT(r.err, Catch::Contains("did you mean sluice score?"));
  r = run(folder, "sluice score --bundel b --data d --out o");
  REQUIRE(r.exit_code == 2);
  REQUIRE_THAT(r.err, Catch::Contains("did you mean --bundle?"));
  REQUIRE(run(folder, "sluice").exit_code == 2);
  REQUIRE(run(folder, "sluice rules chekc").exit_code == 2);
  REQUIRE(run(folder, "sluice score").exit_code == 2);
}

TEST_CASE("failures are exit 1, with code, location and hint on standard error") {
  const auto r = run(test::working_folder(), "sluice score --bundle nowhere --data transactions.csv --out o.csv");
  REQUIRE(r.exit_code == 1);
  REQUIRE(r.out.empty());
  REQUIRE_THAT(r.err, Catch::StartsWith("error: bundle.manifest: nowhere"));
}

TEST_CASE("--help is exit 0 and lists every verb") {
  const auto r = run(test::working_folder(), "sluice --help");
  REQUIRE(r.exit_code == 0);
  for (const char* verb :
       {"train", "score", "backtest", "explain", "rules", "policy", "bundle", "forest", "simulate", "doctor"})
    REQUIRE_THAT(r.out, Catch::Contains(std::string("  ") + verb));
}

TEST_CASE("an output is complete or absent if the disk is full or the folder is missing") {
  const auto& folder = test::working_folder();
  auto r = run(folder, "sluice simulate --rows 100 --out nowhere/t.csv");
  REQUIRE(r.exit_code == 1);
  REQUIRE_THAT(r.err, Catch::Contains("file.write") && Catch::Contains("nowhere/t.csv"));
  // A file-size limit simulates a full disk: the write fails halfway.
  r = run(folder, "trap '' XFSZ; (ulimit -f 100; sluice simulate --rows 100000 --out big.csv --quiet)");
  REQUIRE(r.exit_code == 1);
  REQUIRE_THAT(r.err, Catch::Contains("file.write"));
  REQUIRE_FALSE(std::filesystem::exists(folder / "big.csv"));
  REQUIRE(run(folder, "ls | grep -c partial || true").out == "0\n");
  REQUIRE(run(folder, "sluice simulate --rows 100000 --out - >/dev/full").exit_code == 1);
}

TEST_CASE("Ctrl-C leaves no partial file and is exit 1") {
  const auto& folder = test::working_folder();
  const auto r = run(folder,
                     "sluice simulate --rows 50000000 --out long.csv --quiet & pid=$!; sleep 0.5; kill -INT $pid; kill "
                     "-TERM $pid; wait $pid");
  REQUIRE(r.exit_code == 1);
  REQUIRE_THAT(r.err, Catch::Contains("interrupted"));
  REQUIRE_FALSE(std::filesystem::exists(folder / "long.csv"));
  REQUIRE(run(folder, "ls | grep -c partial || true").out == "0\n");
}

TEST_CASE("doctor reports each part as ok, degraded or missing") {
  const auto r = run(test::working_folder(), "sluice doctor");
  REQUIRE(r.exit_code == 0);
  REQUIRE_THAT(r.out, Catch::Contains("CPU kernels") && Catch::Contains("XGBoost") && Catch::Contains("LibTorch") &&
                          Catch::Contains("ok"));
  REQUIRE_THAT(run(test::working_folder(), "sluice doctor --json").out, Catch::StartsWith("[{\"what\":"));
}
