#include <nlohmann/json.hpp>

#include "cli/cli_support.h"
#include "support/catch.h"

#ifdef SLUICE_CAN_TRAIN

namespace {

using namespace sluice;
using nlohmann::json;

json libraries_of(const std::filesystem::path& bundle) {
  return json::parse(read_file(bundle / "manifest.json"))["libraries"];
}

}  // namespace

TEST_CASE("a trained bundle's manifest names the kernels that computed it, and another kernel gives another name") {
  const auto& folder = test::working_folder();
  const json usual = libraries_of(folder / "bundle");
  CAPTURE(usual.dump());
  for (const char* name : {"sluice", "xgboost", "torch", "torch_kernel", "blas"}) CHECK(usual.contains(name));
  CHECK(usual["torch_kernel"] != "unknown");
  if (!usual.contains("blas_kernel")) {
    WARN("SKIP: LibTorch's BLAS is not OpenBLAS");
    return;
  }
  const std::string other = usual["blas_kernel"] == "Haswell" ? "Nehalem" : "Haswell";
  const auto trained = test::run(folder, "OPENBLAS_CORETYPE=" + other +
                                             " ATEN_CPU_CAPABILITY=default sluice train --data transactions.csv "
                                             "--label fraud --schema examples/schema.json --config train.json "
                                             "--out pinned --quiet");
  CAPTURE(trained.err);
  REQUIRE(trained.exit_code == 0);
  const json pinned = libraries_of(folder / "pinned");
  CHECK(pinned["blas"] == usual["blas"]);
  CHECK(pinned["blas_kernel"] == other);
  CHECK(pinned["torch_kernel"] != usual["torch_kernel"]);
}

TEST_CASE("a bundle without a network does not depend on the kernels of a BLAS, and its manifest names none") {
  const auto& folder = test::working_folder();
  const auto train = [&](const std::string& kernel, const std::string& out) {
    return test::run(folder, "OPENBLAS_CORETYPE=" + kernel +
                                 " sluice train --data transactions.csv --label fraud --network none --search 1 "
                                 "--folds 2 --quiet --out " +
                                 out)
        .exit_code;
  };
  REQUIRE(train("Haswell", "forest_a") == 0);
  REQUIRE(train("Nehalem", "forest_b") == 0);
  CHECK_FALSE(libraries_of(folder / "forest_a").contains("blas"));
  CHECK(read_file(folder / "forest_a/manifest.json") == read_file(folder / "forest_b/manifest.json"));
}

#endif
