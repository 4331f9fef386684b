#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "dnn_support.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/dnn/imported.h"
#include "sluice/dnn/parity_sample.h"
#include "support/catch.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

const RandomNetwork& fitted() {
  static const RandomNetwork network = random_network({{.hidden = {4}}}, true, 41);
  return network;
}

/// linear.pt2 and wide.pt2, compiled once; nullptr if no Python here can compile them.
const std::filesystem::path* packages() {
  static const TempDir folder;
  static const bool made =
      std::system(("'" SLUICE_TORCH_PYTHON "' '" SLUICE_SOURCE_DIR "/tests/dnn/make_aotinductor.py' '" +
                   folder.path().string() + "' " + std::to_string(fitted().encoder.n_encoded()) + " >/dev/null 2>&1")
                      .c_str()) == 0;
  if (!made) WARN("SKIP: " SLUICE_TORCH_PYTHON " has no torch that compiles AOTInductor packages");
  return made ? &folder.path() : nullptr;
}

std::unique_ptr<dnn::Executor> open(const std::string& bytes) {
  return dnn::make_imported_executor(
      {.encoder = fitted().encoder, .runtime = "aotinductor", .file = "network.pt2", .bytes = bytes}, SLUICE_PLUGINS);
}

Error refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& e) {
    return e;
  }
  return Error("", "");
}

}  // namespace

TEST_CASE("an AOTInductor package gives the margins of its formula, from any thread, and passes its parity sample") {
  if (!packages()) return;
  const std::string bytes = read_file(*packages() / "linear.pt2");
  const auto executor = open(bytes);
  const FloatTable rows = random_encoded(fitted().encoder, 100, 5);
  std::vector<float> margins(100);
  executor->forward(rows.view(), margins);
  for (std::size_t i = 0; i < 100; ++i) {
    double expected = 0.5;
    for (std::size_t c = 0; c < rows.n_columns(); ++c)
      expected += static_cast<double>(rows.row(i)[c]) * static_cast<double>(c) / static_cast<double>(rows.n_columns());
    REQUIRE(margins[i] == Approx(expected).epsilon(1e-5).margin(1e-5));
  }
  std::vector<std::vector<float>> others(4, std::vector<float>(100));
  std::vector<std::thread> threads;
  for (auto& own : others) threads.emplace_back([&] { executor->forward(rows.view(), own); });
  for (auto& thread : threads) thread.join();
  for (const auto& own : others) CHECK(bits(own) == bits(margins));

  const auto sample = dnn::take_parity_sample(*executor, fitted().encoder, dnn::kImportedTolerance);
  CHECK_NOTHROW(dnn::require_parity(*open(bytes), sample, "p"));
  CHECK_THAT(sample.kernel, Catch::StartsWith("aotinductor "));
}

TEST_CASE("a package whose output is not one margin per row, and bytes that are not a package, are rejected at load") {
  for (const std::string& bytes : {std::string(), std::string(1000, 'x')})
    CHECK(refusal([&] { open(bytes); }).code() == "network.open");
  if (!packages()) return;
  const Error wide = refusal([] { open(read_file(*packages() / "wide.pt2")); });
  CHECK(wide.code() == "network.open");
  CHECK_THAT(wide.message(), Catch::Contains("for 1 rows it returns a tensor [1, "));
  const std::string good = read_file(*packages() / "linear.pt2");
  CHECK(refusal([&] { open(good.substr(0, good.size() / 2)); }).code() == "network.open");
}

}  // namespace sluice::test
