#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <thread>

#include "sluice/base/file.h"
#include "sluice/bundle/bundle.h"
#include "sluice/cascade/rollout/bundle_install.h"
#include "support/catch.h"
#include "support/code_of.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {

using namespace cascade;

TEST_CASE("an installed bundle is the candidate, the previous one is kept, and the history has both") {
  const TempDir dir;
  const auto first = small_bundle(dir / "a", 1), second = small_bundle(dir / "b", 2);
  CHECK(install_bundle(dir / "a", dir / "live/", "ann", "first").previous.empty());
  CHECK(Bundle::load(dir / "live").digest == first->digest);
  const Installed installed = install_bundle(dir / "b", dir / "live", "bob", "better");
  CHECK(installed.digest == second->digest);
  CHECK(Bundle::load(dir / "live").digest == second->digest);
  CHECK(Bundle::load(installed.previous).digest == first->digest);
  CHECK(Bundle::load(dir / "b").digest == second->digest);
  install_bundle(dir / "a", dir / "live", "ann", "back");
  CHECK(Bundle::load(dir / "live.previous").digest == second->digest);
  const std::string history = read_file(dir / "live.history.jsonl");
  CHECK(std::count(history.begin(), history.end(), '\n') == 3);
  CHECK(history.find(R"("who":"bob","why":"better")") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(dir / "live.incoming"));
}

TEST_CASE("a reader that loads the target while bundles are installed gets a complete one") {
  const TempDir dir;
  const std::set<std::string> digests = {small_bundle(dir / "a", 1)->digest.hex(),
                                         small_bundle(dir / "b", 2)->digest.hex()};
  install_bundle(dir / "a", dir / "live", "", "");
  std::atomic<bool> is_over = false;
  std::thread installer([&] {
    for (int k = 0; k < 30; ++k) install_bundle(dir / (k % 2 ? "a" : "b"), dir / "live", "", "");
    is_over = true;
  });
  int n_loaded = 0, n_missing = 0;
  while (!is_over) {
    // A load that spans an exchange reads files of both bundles, and the digests refuse that.
    const std::string code = code_of([&] {
      if (!digests.contains(Bundle::load(dir / "live").digest.hex())) throw Error("test.mixed", "neither");
      ++n_loaded;
    });
    CHECK(code != "test.mixed");
    n_missing += !std::filesystem::exists(dir / "live/manifest.json");
  }
  installer.join();
  CHECK(n_missing == 0);
  CHECK(n_loaded > 0);
}

TEST_CASE("a damaged bundle is not installed, and a folder that is not a bundle is not replaced") {
  const TempDir dir;
  small_bundle(dir / "a", 1);
  small_bundle(dir / "b", 2);
  install_bundle(dir / "a", dir / "live", "", "");
  write_file(dir / "b/policy.json", read_file(dir / "b/policy.json") + " ");
  CHECK_FALSE(code_of([&] { install_bundle(dir / "b", dir / "live", "", ""); }).empty());
  CHECK(Bundle::load(dir / "live").digest == Bundle::load(dir / "a").digest);
  std::filesystem::create_directory(dir / "home");
  write_file(dir / "home/letter.txt", "text");
  CHECK(code_of([&] { install_bundle(dir / "a", dir / "home", "", ""); }) == "bundle.exists");
  CHECK(read_file(dir / "home/letter.txt") == "text");
}

}  // namespace sluice::test
