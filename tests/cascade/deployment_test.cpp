#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "sluice/base/file.h"
#include "sluice/cascade/resilience/fault_plan.h"
#include "sluice/cascade/resilience/isolate.h"
#include "sluice/cascade/rollout/deployment.h"
#include "support/catch.h"
#include "support/code_of.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

using namespace cascade;
using std::chrono::milliseconds;

GuardOptions no_guard() { return {.window_ms = 0}; }

/// A guard that compares every request.
GuardOptions keen() { return {.window_ms = 60'000, .shadow_every = 1, .min_pairs = 50}; }

/// The same bundle with other cut-offs and another version: its decisions differ only in the action.
std::shared_ptr<const Bundle> with_cutoffs(const Bundle& bundle, std::int64_t version, Cutoffs cutoffs) {
  auto copy = std::make_shared<Bundle>(bundle);
  copy->policy.version = version;
  copy->policy.level0 = copy->policy.level1 = cutoffs;
  return copy;
}

constexpr Cutoffs kApproveAll{1, 1.5}, kDeclineAll{0, 0};

bool eventually(const std::function<bool()>& holds) {
  for (int k = 0; k < 20'000 && !holds(); ++k) std::this_thread::sleep_for(milliseconds(1));
  return holds();
}

std::vector<std::string> kinds(const Deployment& deployment) {
  std::vector<std::string> kinds;
  for (const Change& change : deployment.history()) kinds.push_back(to_string(change.kind));
  return kinds;
}

}  // namespace

TEST_CASE("a held version lives until it is released, and an exchange waits for it") {
  struct Counted {
    explicit Counted(std::atomic<int>& n) : alive(n) { ++alive; }
    ~Counted() { --alive; }
    std::atomic<int>& alive;
    std::atomic<bool> is_dead = false;
  };
  std::atomic<int> alive = 0;
  HotSlot<Counted> slot(std::make_shared<Counted>(alive));
  std::atomic<bool> is_exchanged = false;
  std::thread writer;
  {
    const auto hold = slot.hold();
    writer = std::thread([&] {
      slot.exchange(std::make_shared<Counted>(alive));
      is_exchanged = true;
    });
    std::this_thread::sleep_for(milliseconds(20));
    CHECK_FALSE(is_exchanged);
    CHECK(alive == 2);
    const auto newer = slot.hold();
    CHECK(&*newer != &*hold);
  }
  writer.join();
  CHECK(alive == 1);
}

TEST_CASE("readers of a hot slot never see a destroyed object, whatever changes in the meantime") {
  struct Pair {
    explicit Pair(std::uint64_t n) : a(n), b(~n) {}
    ~Pair() { a = b = 0; }
    std::uint64_t a, b;
  };
  HotSlot<Pair> slot(std::make_shared<Pair>(1));
  std::atomic<bool> is_over = false;
  std::atomic<int> n_wrong = 0;
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t)
    readers.emplace_back([&] {
      std::uint64_t last = 0;
      while (!is_over) {
        const auto hold = slot.hold();
        if (hold->a != ~hold->b || hold->a < last) ++n_wrong;
        last = hold->a;
      }
    });
  for (std::uint64_t n = 2; n < 400; ++n) slot.exchange(std::make_shared<Pair>(n));
  is_over = true;
  for (auto& reader : readers) reader.join();
  CHECK(n_wrong == 0);
}

TEST_CASE("no decision mixes two versions while bundles are swapped under load") {
  const TempDir dir;
  const auto first = small_bundle(dir / "a", 1), second = small_bundle(dir / "b", 2);
  const std::map<const Bundle*, std::shared_ptr<const Bundle>> bundles = {{first.get(), first}, {second.get(), second}};
  const Table rows = small_rows(first->schema, 50, 9);
  std::map<const Bundle*, std::vector<Decision>> alone;
  for (const auto& [key, bundle] : bundles) {
    const Engine engine(bundle);
    for (std::size_t i = 0; i < rows.n_rows(); ++i) alone[key].push_back(engine.decide(rows.row(i)));
  }
  Deployment deployment(first, "test", "start", {.guard = no_guard()});
  std::atomic<bool> is_over = false;
  std::atomic<int> n_wrong = 0;
  std::atomic<std::uint64_t> n_decided = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      for (std::size_t i = 0; !is_over; i = (i + 1) % rows.n_rows()) {
        const auto use = deployment.use();
        const Decision d = use.decide({.row = rows.row(i)});
        const Decision& expected = alone.at(&use.bundle())[i];
        if (d.forest.margin != expected.forest.margin || d.action != expected.action || d.level != expected.level ||
            d.network.ran != expected.network.ran || (d.network.ran && d.network.margin != expected.network.margin))
          ++n_wrong;
        ++n_decided;
      }
    });
  for (int k = 0; k < 20; ++k) {
    const std::uint64_t before = n_decided;
    REQUIRE(eventually([&] { return n_decided > before; }));
    deployment.promote(k % 2 ? first : second, "test", "swap");
  }
  is_over = true;
  for (auto& thread : threads) thread.join();
  CHECK(n_wrong == 0);
  CHECK(deployment.history().size() == 21);
  CHECK(deployment.counts().in == n_decided);
  CHECK(deployment.counts().under_way() == 0);
}

TEST_CASE("the guard rolls back a version whose actions differ from its predecessor's, and records the figures") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "a", 1, {.with_network = false, .band = std::nullopt});
  const auto approve = with_cutoffs(*bundle, 1, kApproveAll), decline = with_cutoffs(*bundle, 2, kDeclineAll),
             alike = with_cutoffs(*bundle, 3, kApproveAll);
  const Table rows = small_rows(bundle->schema, 100, 9);
  Deployment deployment(approve, "ann", "first", {.guard = keen()});
  std::size_t i = 0;
  const auto decide = [&] { return deployment.use().decide({.row = rows.row(i++ % 100)}).action; };
  deployment.promote(alike, "ann", "the same");
  for (int k = 0; k < 500; ++k) CHECK(decide() == Action::approve);
  CHECK(deployment.is_watched());
  deployment.promote(decline, "bob", "stricter");
  CHECK(eventually([&] { return decide() == Action::approve; }));
  CHECK(eventually([&] { return deployment.history().size() == 4; }));
  CHECK(kinds(deployment) == std::vector<std::string>{"started", "promoted", "promoted", "rolled_back"});
  const Change back = deployment.history().back();
  CHECK(back.who == "guard");
  CHECK(back.policy_version == 3);
  CHECK(back.why.starts_with("shift of actions 1.0000"));
  CHECK_FALSE(deployment.is_watched());
}

TEST_CASE("a version that fails is rolled back, and the shadow's decisions are not counted") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "a", 1, {.band = std::nullopt});
  const auto broken = with_cutoffs(*bundle, 2, kApproveAll);
  FaultOptions faults;
  faults.rates[static_cast<std::size_t>(Fault::throws)] = 0.3;
  const auto plan = std::make_shared<FaultPlan>(faults);
  plan->set_active(false);  // while it warms up
  DeploymentOptions options{.guard = keen()};
  options.make_engine = [&](std::shared_ptr<const Bundle> of, const EngineOptions& base) {
    EngineOptions mine = base;
    if (of == broken) mine.forest = with_faults(make_forest_stage(of->forests, of->schema), plan);
    return Engine(of, mine);
  };
  Deployment deployment(bundle, "ann", "first", options);
  const Table rows = small_rows(bundle->schema, 100, 9);
  deployment.promote(broken, "bob", "faster");
  plan->set_active(true);
  std::uint64_t n = 0;
  CHECK(eventually([&] {
    deployment.use().decide({.row = rows.row(n++ % 100)});
    return deployment.history().size() == 3;
  }));
  CHECK(deployment.history().back().why.starts_with("share decided below L0 0."));
  CHECK(deployment.use().bundle().digest == bundle->digest);
  CHECK(deployment.counts().in == n);
  CHECK(deployment.counts().decided() == n);
}

TEST_CASE("a guard names the difference between two versions: level, lateness, actions, time") {
  Decision approve{.action = Action::approve}, decline{.action = Action::decline};
  Decision late{.action = Action::approve, .level = Level::L1, .cause = Cause::network_late};
  Decision failed{.action = Action::approve, .level = Level::L1, .cause = Cause::network_failed};
  const auto verdict = [](const Decision& now, const Decision& before, float now_us = 10, float before_us = 10) {
    Guard guard({.min_pairs = 100, .max_degraded_rise = now.cause == Cause::network_late ? 2.0 : 0.02});
    for (int k = 0; k < 99; ++k) guard.add({{}, now, before, now_us, before_us, {}});
    CHECK(guard.verdict().empty());  // too few pairs for a verdict
    guard.add({{}, now, before, now_us, before_us, {}});
    CHECK(guard.n_pairs() == 100);
    return guard.verdict();
  };
  CHECK(verdict(approve, approve).empty());
  CHECK(verdict(failed, failed).empty());  // not worse than the predecessor
  CHECK(verdict(approve, failed).empty());
  CHECK(verdict(failed, approve).starts_with("share decided below L0 1.0000, before 0.0000"));
  CHECK(verdict(late, approve).starts_with("share late 1.0000, before 0.0000"));
  CHECK(verdict(decline, approve).starts_with("shift of actions 1.0000"));
  CHECK(verdict(approve, approve, 100, 10).starts_with("median time"));
  CHECK(verdict(approve, approve, 25, 10).empty());
  Decision lacking{.action = Action::approve, .level = Level::L1, .cause = Cause::late_features_missing};
  Guard guard({.min_pairs = 1});
  guard.add({{}, approve, lacking, 10, 10, {}});
  CHECK(guard.n_pairs() == 0);  // late columns were fetched only for the served version
}

TEST_CASE("a guard's window ends, and a manual roll-back is one more change") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "a", 1);
  GuardOptions brief = keen();
  brief.window_ms = 1;
  Deployment deployment(bundle, "ann", "first", {.guard = brief, .history = dir / "history.jsonl"});
  CHECK(code_of([&] { deployment.roll_back("ann", "why not"); }) == "deployment.no_predecessor");
  deployment.promote(with_cutoffs(*bundle, 2, kDeclineAll), "bob", "stricter \"rules\"");
  CHECK(eventually([&] { return !deployment.is_watched(); }));
  CHECK(deployment.use().bundle().policy.version == 2);
  deployment.roll_back("ann", "complaints");
  CHECK(deployment.use().bundle().policy.version == bundle->policy.version);
  const std::string text = read_file(dir / "history.jsonl");
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  CHECK(text.find(R"("who":"bob","why":"stricter \"rules\"")") != std::string::npos);
}

TEST_CASE("a bundle that cannot be served, or whose history cannot be written, changes nothing") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "a", 1), wide = small_bundle(dir / "b", 1, {.with_late = true});
  std::filesystem::create_directory(dir / "log");
  Deployment deployment(bundle, "ann", "first", {.guard = no_guard(), .history = dir / "log/history.jsonl"});
  CHECK(code_of([&] { deployment.promote(wide, "bob", "wider"); }) == "deployment.schema");
  std::filesystem::remove_all(dir / "log");
  CHECK(code_of([&] { deployment.promote(bundle, "bob", "again"); }) == "file.write");
  CHECK(deployment.history().size() == 1);
  CHECK(&deployment.use().bundle() == bundle.get());
}

TEST_CASE("a bundle whose forest fails in any way is not put in service") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "a", 1), next = with_cutoffs(*bundle, 2, kApproveAll);
  for (const Fault fault : {Fault::throws, Fault::not_finite, Fault::wrong_shape, Fault::stuck, Fault::crash}) {
    FaultOptions faults{.stuck_us = 60'000'000, .may_end_threads = true};
    faults.rates[static_cast<std::size_t>(fault)] = 1;
    const auto plan = std::make_shared<FaultPlan>(faults);
    DeploymentOptions options{.guard = no_guard()};
    options.make_engine = [&](std::shared_ptr<const Bundle> of, const EngineOptions& base) {
      EngineOptions mine = base;
      const std::shared_ptr<const ForestStage> forest = with_faults(make_forest_stage(of->forests, of->schema), plan);
      if (of == next) mine.forest = isolate(forest, of->schema, {.max_wait_us = 20'000});
      return Engine(of, mine);
    };
    Deployment deployment(bundle, "ann", "first", options);
    CAPTURE(to_string(fault));
    bool is_refused = false;
    try {
      deployment.promote(next, "bob", "broken");
    } catch (const std::exception&) {
      is_refused = true;
    }
    CHECK(is_refused);
    CHECK(deployment.history().size() == 1);
    CHECK(&deployment.use().bundle() == bundle.get());
    plan->release();
  }
}

TEST_CASE("a shadow decides as its engine does, drops requests that find no room, and never changes an answer") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "a", 1, {.with_late = true});
  const auto engine = std::make_shared<const Engine>(bundle);
  const Table rows = small_rows(bundle->schema, 200, 9);
  std::atomic<int> n_wrong = 0, n_seen = 0;
  Shadow shadow(engine, 8, [&](const ShadowPair& pair) {
    ++n_seen;
    const Decision expected = engine->decide_unrecorded({.row = pair.row});
    if (expected.forest.margin != pair.shadow.forest.margin || expected.action != pair.shadow.action ||
        pair.context != std::to_string(static_cast<int>(pair.served_us)))
      ++n_wrong;
    throw std::runtime_error("the sink fails");
  });
  std::uint64_t n_taken = 0;
  for (std::size_t i = 0; i < rows.n_rows(); ++i)
    n_taken +=
        shadow.offer({.row = rows.row(i)}, engine->decide(rows.row(i)), static_cast<float>(i), std::to_string(i));
  shadow.drain();
  CHECK(n_wrong == 0);
  CHECK(n_taken > 0);
  CHECK(static_cast<std::uint64_t>(n_seen) == n_taken);
  CHECK(n_taken + shadow.n_dropped() == rows.n_rows());
  CHECK(engine->ledger().counts().in == rows.n_rows());
}

}  // namespace sluice::test
