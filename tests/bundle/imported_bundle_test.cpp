#include <nlohmann/json.hpp>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/number.h"
#include "sluice/bundle/bundle.h"
#include "sluice/cascade/engine.h"
#include "support/catch.h"
#include "support/imported_bundle.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

using namespace cascade;

constexpr SmallBundleOptions kSmall{.n_forests = 1, .n_trees = 4, .n_background = 3, .band = Band{0, 1, true}};

struct Attempt {
  std::string code, message, hint;
};

/// Writes, loads and serves a bundle with a change, and returns what happened.
Attempt serve(const std::filesystem::path& folder, const BundleFiles& files,
              const std::filesystem::path& plugins = SLUICE_TEST_PLUGINS) {
  try {
    write_bundle(folder, files, {});
    const Engine engine(std::make_shared<Bundle>(Bundle::load(folder, {plugins})));
  } catch (const Error& e) {
    return {e.code(), e.message(), e.hint()};
  }
  return {};
}

}  // namespace

TEST_CASE("a bundle with an imported network serves it behind the native encoder") {
  const TempDir dir;
  write_bundle(dir / "b", imported_files(kSmall), {});
  const auto bundle = std::make_shared<Bundle>(Bundle::load(dir / "b", {SLUICE_TEST_PLUGINS}));
  CHECK(bundle->network == nullptr);
  REQUIRE(bundle->imported != nullptr);
  CHECK(bundle->encoder() == &bundle->imported->encoder);
  const Engine engine(bundle);
  const Table rows = small_rows(bundle->schema, 50, 4);
  for (std::size_t i = 0; i < rows.n_rows(); ++i) {
    const Decision d = engine.decide(rows.row(i));
    REQUIRE(d.level == Level::L0);
    REQUIRE(d.network.ran);
    CHECK(d.network.margin == Approx(kImportedBias + 0.5 * d.forest.margin).margin(1e-6));
  }
}

TEST_CASE("an imported network does not run unless the host allows a folder of plug-ins, but its bundle can be read") {
  const TempDir dir;
  const Attempt attempt = serve(dir / "b", imported_files(kSmall), "");
  CHECK(attempt.code == "bundle.plugin");
  CHECK(attempt.message.find("network.txt") != std::string::npos);
  CHECK(attempt.hint.find("--allow-plugins") != std::string::npos);
  CHECK(attempt.hint.find("BundleOptions::plugins") != std::string::npos);
  CHECK(Bundle::load(dir / "b").imported->runtime == "linear");
  for (const auto& check : verify_bundle(dir / "b")) CHECK(check.ok());
  // What runs is under the bundle's digest: the file, and the kind of its plug-in.
  const auto manifest = nlohmann::json::parse(read_file(dir / "b" / "manifest.json"));
  CHECK(manifest["files"].contains("network.txt"));
  CHECK(manifest["files"].contains("network.json"));
}

TEST_CASE("an imported network needs its file, its plug-in and its parity sample") {
  const TempDir dir;
  const auto with = [&](const std::string& path, const std::string& bytes) {
    BundleFiles files = imported_files(kSmall);
    files[path] = bytes;
    return serve(dir / "b", files);
  };
  const auto described_as = [&](const char* key, const char* value) {
    auto json = nlohmann::json::parse(imported_files(kSmall).at("network.json"));
    json[key] = value;
    return with("network.json", json.dump());
  };
  CHECK(serve(dir / "b", imported_files(kSmall)).code == "");
  BundleFiles files = imported_files(kSmall);
  files.erase("parity.json");
  CHECK(serve(dir / "b", files).code == "bundle.parity");
  files = imported_files(kSmall);
  files.erase("network.txt");
  CHECK(serve(dir / "b", files).code == "bundle.missing_file");

  CHECK(described_as("runtime", "no_such_runtime").code == "network.plugin");
  CHECK(described_as("runtime", "../linear").code == "network.runtime");
  CHECK(described_as("file", "schema.json").code == "network.file");
  CHECK(described_as("file", "network.pt").code == "bundle.missing_file");
  CHECK(with("network.txt", "1 2 3").code == "network.open");

  std::string other = imported_files(kSmall).at("network.txt");
  other.replace(other.rfind("0.5"), 3, "0.6");
  const Attempt changed = with("network.txt", other);
  CHECK(changed.code == "bundle.parity");
  CHECK(changed.message.find("linear 1") != std::string::npos);
}

}  // namespace sluice::test
