#include <nlohmann/json.hpp>

#include "sluice/base/error.h"
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
  std::string code, message;
};

/// Writes, loads and serves a bundle with a change, and returns what happened.
Attempt serve(const std::filesystem::path& folder, BundleFiles files) {
  try {
    write_bundle(folder, files, {});
    const Engine engine(std::make_shared<Bundle>(Bundle::load(folder)));
  } catch (const Error& e) {
    return {e.code(), e.message()};
  }
  return {};
}

}  // namespace

TEST_CASE("a bundle with an imported network serves it behind the native encoder") {
  const TempDir dir;
  write_bundle(dir / "b", imported_files(kSmall), {});
  const auto bundle = std::make_shared<Bundle>(Bundle::load(dir / "b"));
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
