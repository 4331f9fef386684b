#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/bundle/bundle.h"
#include "sluice/cascade/rollout/bundle_install.h"
#include "sluice/cascade/rollout/deployment.h"
#include "support/catch.h"
#include "support/code_of.h"
#include "support/small_bundle.h"
#include "support/system_faults.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

using namespace cascade;
namespace fs = std::filesystem;

constexpr SmallBundleOptions kTiny{.n_forests = 1, .n_trees = 1, .depth = 1, .n_members = 1, .n_background = 1};

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

struct Outcome {
  std::string error;  // message; empty if the call succeeded
  Changes changes;
};

/// What `change` does if call number `at` below `folder` fails.
Outcome with_fault(const fs::path& folder, std::int64_t at, const std::function<void()>& change) {
  Outcome outcome;
  fail_change(folder, at);
  try {
    change();
  } catch (const Error& e) {
    outcome.error = e.message();
    end_faults();
    CHECK(e.code().starts_with("file."));
  }
  outcome.changes = end_faults();
  return outcome;
}

std::string last_line(const fs::path& history) {
  if (!fs::exists(history)) return "";
  const std::string text = read_file(history);
  const auto before = text.rfind('\n', text.size() - 2);
  return text.substr(before == std::string::npos ? 0 : before + 1);
}

bool says_replaced(const std::string& error) {
  return error.find("is written") != std::string::npos || error.find("is replaced") != std::string::npos;
}

}  // namespace

TEST_CASE("a bundle is written whole or not at all, whichever change of the folder fails, and leaves nothing behind") {
  if (!has_system_faults()) return;
  const auto old_files = small_bundle_files(1, kTiny), new_files = small_bundle_files(2, kTiny);
  for (const bool is_exchange_refused : {false, true}) {
    std::int64_t n_faults = 0;
    for (std::int64_t at = 1;; ++at) {
      const TempDir dir;
      const Digest before = write_bundle(dir / "b", old_files, {});
      refuse_exchange(is_exchange_refused);
      const Outcome outcome = with_fault(dir.path(), at, [&] { write_bundle(dir / "b", new_files, {}); });
      refuse_exchange(false);
      CAPTURE(is_exchange_refused, at, outcome.error);
      const bool is_new = Bundle::load(dir / "b").digest != before;
      REQUIRE(is_new == (outcome.error.empty() || says_replaced(outcome.error)));
      if (!outcome.changes.is_removal) REQUIRE(names_in(dir.path()) == std::set<std::string>{"b"});
      if (outcome.changes.n < at) break;
      REQUIRE_FALSE(outcome.error.empty());
      ++n_faults;
    }
    CHECK(n_faults > 20);
  }
}

TEST_CASE("an installed bundle and the last line of its history are the same, whichever change of the folder fails") {
  if (!has_system_faults()) return;
  const TempDir bundles;
  write_bundle(bundles / "a", small_bundle_files(1, kTiny), {});
  write_bundle(bundles / "b", small_bundle_files(2, kTiny), {});
  for (const bool is_exchange_refused : {false, true})
    for (const int n_before : {0, 1, 2}) {  // bundles installed before: none, a target, a target with its previous one
      std::int64_t n_faults = 0;
      for (std::int64_t at = 1;; ++at) {
        const TempDir dir;
        for (int k = 0; k < n_before; ++k) install_bundle(bundles / "a", dir / "live", "", "");
        const auto names = names_in(dir.path());
        const std::string line = last_line(dir / "live.history.jsonl");
        refuse_exchange(is_exchange_refused);
        const Outcome outcome =
            with_fault(dir.path(), at, [&] { install_bundle(bundles / "b", dir / "live", "bob", "better"); });
        refuse_exchange(false);
        CAPTURE(is_exchange_refused, n_before, at, outcome.error);
        const bool is_made = outcome.error.empty() || says_replaced(outcome.error);
        const std::string now = last_line(dir / "live.history.jsonl");
        REQUIRE((now != line) == is_made);
        if (fs::exists(dir / "live"))
          REQUIRE(now.find(Bundle::load(dir / "live").digest.hex()) != std::string::npos);
        else
          REQUIRE((n_before == 0 && now.empty()));
        if (!is_made && !outcome.changes.is_removal) REQUIRE(names_in(dir.path()) == names);
        if (outcome.changes.n < at) break;
        ++n_faults;
      }
      CHECK(n_faults > 20);
    }
}

TEST_CASE("a reader finds a whole bundle at every moment while write_bundle replaces it") {
  const TempDir dir;
  const BundleFiles files[] = {small_bundle_files(1, kTiny), small_bundle_files(2, kTiny)};
  write_bundle(dir / "b", files[0], {});
  std::atomic<bool> is_over = false;
  std::thread writer([&] {
    for (std::size_t k = 0; k < 200; ++k) write_bundle(dir / "b", files[k % 2], {});
    is_over = true;
  });
  std::int64_t n_looks = 0, n_missing = 0;
  for (; !is_over; ++n_looks) n_missing += !fs::exists(dir / "b/manifest.json");
  writer.join();
  CHECK(n_looks > 200);
  CHECK(n_missing == 0);
}

TEST_CASE("a promotion whose shadow cannot start is not made, and the history does not have it") {
  if (!has_system_faults()) return;
  const TempDir dir;
  const auto bundle = small_bundle(dir / "a", 1), next = small_bundle(dir / "b", 2);
  const fs::path history = dir / "history.jsonl";
  CHECK_THROWS_AS(
      [&] {
        fail_next_thread();
        Deployment(bundle, "ann", "never", {.history = history});
      }(),
      Error);
  end_faults();
  CHECK_FALSE(fs::exists(history));
  DeploymentOptions options{.history = history};
  options.guard.window_ms = 60'000;
  Deployment deployment(bundle, "ann", "first", options);
  fail_next_thread();
  CHECK_THROWS_AS(deployment.promote(next, "bob", "better"), Error);
  end_faults();
  CHECK(deployment.use().bundle().digest == bundle->digest);
  CHECK(deployment.history().size() == 1);
  CHECK(last_line(history).find("bob") == std::string::npos);
  deployment.promote(next, "bob", "better");
  CHECK(deployment.use().bundle().digest == next->digest);
  CHECK(last_line(history).find(next->digest.hex()) != std::string::npos);
}

}  // namespace sluice::test
