#include "cli/cli_support.h"
#include "sluice/dnn/executor.h"
#include "sluice/gbdt/kernel.h"
#include "support/catch.h"
#include "support/shared_data.h"

using namespace sluice;
using test::run;

namespace {

/// Checks that the exit code is 0 and the margins equal the expected ones to the last digit.
void check_margins(const std::filesystem::path& folder, const std::string& kernel) {
  const test::TempDir out;
  CAPTURE(folder, kernel);
  std::string model = (folder / "model.ubj").string();
  if (!std::filesystem::exists(model)) model = (folder / "model.txt").string();
  const auto r = run(out.path(), "sluice forest predict '" + model + "' --data '" + (folder / "rows.csv").string() +
                                     "' --margin --kernel " + kernel + " --out margins.csv --quiet");
  REQUIRE(r.err == "");
  REQUIRE(r.exit_code == 0);
  CHECK(read_file(out.path() / "margins.csv") == read_file(folder / "expected_margins.csv"));
}

}  // namespace

TEST_CASE("every kernel gives XGBoost's margins for a forest of small trees") {
  const auto folder = test::shared_case("forest_of_small_trees");
  if (!folder) return;
  check_margins(*folder, "auto");
  for (const gbdt::Kernel kernel : gbdt::kernels()) check_margins(*folder, std::string(to_string(kernel)));
}

TEST_CASE("a LightGBM threshold of infinity separates missing values from all others") {
  if (const auto folder = test::shared_case("lightgbm_infinite_threshold")) check_margins(*folder, "auto");
}

TEST_CASE("a kernel that does not support a LightGBM model is an error, not ignored") {
  const test::TempDir out;
  const std::string data = std::string(SLUICE_SOURCE_DIR) + "/tests/data/lightgbm_binary.lgb.txt";
  write_file(out.path() / "rows.csv", "Column_0,Column_1,Column_2,Column_3\n1,2,3,1\n");
  for (const gbdt::Kernel kernel : gbdt::kernels())
    for (const char* what : {"--margin", ""}) {
      const auto r = run(out.path(), "sluice forest predict '" + data + "' --data rows.csv " + what + " --kernel " +
                                         std::string(to_string(kernel)) + " --out o.csv --quiet");
      CAPTURE(to_string(kernel), what, r.err);
      CHECK(r.exit_code == (kernel == gbdt::Kernel::scalar ? 0 : 1));
      if (kernel != gbdt::Kernel::scalar) CHECK_THAT(r.err, Catch::StartsWith("error: kernel.forest"));
    }
}

TEST_CASE("a flag that would have no effect is an error, not ignored") {
  const test::TempDir out;
  const std::string data = std::string(SLUICE_SOURCE_DIR) + "/tests/data/";
  write_file(out.path() / "rows.csv", "Column_0,Column_1,Column_2,Column_3\n1,2,3,1\n");
  write_file(out.path() / "linear.csv", "f0,f1,f2,f3\n1,2,3,1\n");
  const std::string lightgbm = "'" + data + "lightgbm_binary.lgb.txt' --data rows.csv --out o.csv --quiet ";
  const std::string linear = "'" + data + "xgboost_linear.xgb.json' --data linear.csv --out o.csv --quiet ";
  const struct {
    std::string command;
    int exit_code;
    const char* message;
  } kCases[] = {
      {"predict " + lightgbm + "--margin --rounds 0:1", 1, "forest.unsupported"},
      {"predict " + lightgbm + "--rounds 0:1", 1, "forest.unsupported"},
      {"predict " + linear + "--leaf --rounds 0:1", 2, "--leaf and --rounds"},
      {"predict " + linear + "--leaf --margin", 2, "--leaf and --margin"},
      {"predict " + linear + "--leaf --kernel scalar", 2, "--leaf and --kernel"},
      {"contribs " + linear + "--background linear.csv", 1, "forest.unsupported"},
      {"contribs " + linear + "--audit", 1, "forest.unsupported"},
      {"contribs " + linear + "--approximate", 1, "forest.unsupported"},
      {"contribs " + linear + "--kernel scalar", 1, "forest.unsupported"},
      {"contribs " + lightgbm + "--approximate --audit", 2, "--approximate and --audit"},
      {"contribs " + lightgbm + "--approximate --background rows.csv", 2, "--approximate and --background"},
      {"contribs " + lightgbm + "--background rows.csv --kernel scalar", 2, "--background and --kernel"},
      {"contribs " + lightgbm + "--audit --kernel scalar", 2, "--audit and --kernel"},
      {"predict " + lightgbm + "--threads -1", 2, "0 or more"},
      {"predict " + lightgbm + "--threads 100000", 1, "threads.number"},
  };
  for (const auto& [command, exit_code, message] : kCases) {
    const auto r = run(out.path(), "sluice forest " + command);
    CAPTURE(command, r.err);
    CHECK(r.exit_code == exit_code);
    CHECK_THAT(r.err, Catch::Contains(message));
  }
}

TEST_CASE("doctor checks the forest kernels, and a bundle's forests with every method") {
  const auto& folder = test::working_folder();
  const auto r = run(folder, "sluice doctor");
  REQUIRE(r.exit_code == 0);
  REQUIRE_THAT(r.out, Catch::Contains("forest kernels       ok"));
  const bool has_cuda = dnn::has_cuda_executor();
  CHECK_THAT(r.out, Catch::Contains(has_cuda ? "CUDA in this build   ok" : "CUDA in this build   missing"));
  if (!test::has_bundle()) return;
  REQUIRE_THAT(run(folder, "sluice doctor --bundle bundle").out, Catch::Contains("bundle's forests     ok"));
  REQUIRE(run(folder, "sluice bundle verify bundle").exit_code == 0);
}

#ifdef SLUICE_FAULTY_PROGRAM
TEST_CASE("a program with wrong kernels decides correctly, reports them, and bundle verify fails") {
  if (gbdt::kernels().size() == 1) return;  // only the scalar kernel runs here
  const auto& folder = test::working_folder();
  const std::string faulty = "'" SLUICE_FAULTY_PROGRAM "' ";
  const auto doctor = run(folder, faulty + "doctor");
  CHECK(doctor.exit_code == 0);
  CHECK_THAT(doctor.out, Catch::Contains("forest kernels       degraded") && Catch::Contains("plain walk"));
  if (!test::has_bundle()) return;
  const auto verify = run(folder, faulty + "bundle verify bundle");
  CHECK(verify.exit_code == 3);
  CHECK_THAT(verify.out, Catch::Contains("the method planes of the kernel"));
  CHECK_THAT(run(folder, faulty + "bundle inspect bundle").out, Catch::Contains("the method planes of the kernel"));
  CHECK_THAT(run(folder, faulty + "forest inspect bundle/forest-0.json").out,
             Catch::Contains("the method planes of the kernel"));
  const std::string score = "score --bundle bundle --data transactions.csv --quiet --out ";
  REQUIRE(run(folder, "sluice " + score + "right.csv").exit_code == 0);
  const auto scored = run(folder, faulty + score + "faulty.csv");
  REQUIRE(scored.exit_code == 0);
  CHECK_THAT(scored.err, Catch::Contains("the method planes of the kernel"));
  CHECK(read_file(folder / "right.csv") == read_file(folder / "faulty.csv"));
}
#endif
