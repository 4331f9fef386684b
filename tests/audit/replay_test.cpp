#include "sluice/audit/replay.h"

#include "audit/log_support.h"
#include "sluice/audit/decide_twice.h"
#include "sluice/audit/stored_decisions.h"
#include "sluice/base/error.h"
#include "sluice/gbdt/kernel.h"
#include "support/catch.h"

namespace sluice::test {

using namespace audit;
using namespace cascade;

namespace {

/// Depending on `number`, fails in every way that a provider can, or succeeds.
struct MoodyProvider final : FeatureProvider {
  explicit MoodyProvider(std::size_t n) : number(n) {}
  Result fetch(RowView, std::span<double> late, Deadline) const override {
    if (number % 5 == 0) return Result::failed;
    if (number % 5 == 1) return Result::late;
    if (number % 5 == 2) return Result::missing;
    if (number % 5 == 3) late[0] = static_cast<double>(number % 17);
    return Result::ok;
  }
  std::size_t number;
};

struct MoodyNetwork final : NetworkStage {
  explicit MoodyNetwork(Cause c) : cause(c) {}
  NetworkAnswer score(RowsView, std::span<const PrefixMargins>, std::span<float>, Deadline) const override {
    if (cause == Cause::network_failed) throw std::runtime_error("it threw");
    return {.cause = cause, .device = {}};
  }
  Cause cause;
};

struct BrokenForest final : ForestStage {
  explicit BrokenForest(Cause c) : cause(c) {}
  void score(RowsView, std::span<PrefixMargins>) const override { throw std::runtime_error("it threw"); }
  Cause score_one(RowView row, PrefixMargins& out, Deadline) const override {
    if (cause == Cause::forest_failed) score(RowsView(row), {&out, 1});
    return cause;
  }
  Cause cause;
};

/// Logs decisions with every level and cause that depend on timing, load or failures.
void log_every_mood(const std::filesystem::path& folder, const std::shared_ptr<const Bundle>& bundle) {
  const Table rows = small_rows(bundle->schema, 600, 3);
  const Engine sound(bundle), late(bundle, {.network = std::make_shared<MoodyNetwork>(Cause::network_late)}),
      shed(bundle, {.network = std::make_shared<MoodyNetwork>(Cause::network_shed)}),
      failed(bundle, {.network = std::make_shared<MoodyNetwork>(Cause::network_failed)}),
      broken(bundle, {.forest = std::make_shared<BrokenForest>(Cause::forest_failed)}),
      slow(bundle, {.forest = std::make_shared<BrokenForest>(Cause::forest_late)}),
      full(bundle, {.forest = std::make_shared<BrokenForest>(Cause::forest_shed)}), isolated(bundle);
  isolated.forest_breaker().isolate();
  const Engine* const engines[] = {&sound, &sound, &late, &shed, &failed, &broken, &slow, &full, &isolated};
  Log log(folder);
  for (std::size_t i = 0; i < rows.n_rows(); ++i) {
    const MoodyProvider provider(i / 7);
    const auto deadline = i % 11 == 0 ? Deadline::in(std::chrono::microseconds(-5)) : Deadline::none();
    const Decision d = engines[i % 9]->decide(rows.row(i), deadline, i % 2 ? &provider : nullptr);
    const std::string id = std::to_string(i);
    log.append(*bundle, d, {.id = id, .row = rows.row(i)});
  }
}

std::string described(const ReplayReport& report) {
  std::string text;
  for (const auto& d : report.differences) text += std::to_string(d.index) + ": " + d.what + "\n";
  return text;
}

}  // namespace

TEST_CASE("every record replays bit for bit, whatever failed then, with any kernel, threads and batch size") {
  const TempDir dir;
  const Band band = GENERATE(Band{0.3, 0.7}, kGainBand);
  const auto bundle = small_bundle(dir / "b", 1, {.with_late = true, .with_rules = true, .band = band});
  log_every_mood(dir / "log", bundle);
  ThreadPool pool(3);
  for (const auto kernel : gbdt::kernels())
    for (const std::size_t batch : {1, 7, 4096})
      for (ThreadPool* threads : {static_cast<ThreadPool*>(nullptr), &pool}) {
        const auto report = replay(dir / "log", bundle, {.kernel = kernel, .batch = batch, .pool = threads});
        CAPTURE(to_string(kernel), batch, described(report));
        REQUIRE(report.n_records == 600);
        REQUIRE(report.n_different == 0);
        REQUIRE(report.n_other_bundle == 0);
      }
}

TEST_CASE("rules that read the time replay with the time of the request, and load limits do not act in a replay") {
  constexpr const char* kNight = R"({"ruleset": "night", "version": 1, "hit_policy": "first", "rules": [
    {"id": "NIGHT", "when": "hour(now) < 6", "on_missing": "REVIEW", "then": {"action": "DECLINE", "reason": "NIGHT"}}]})";
  const TempDir dir;
  auto bundle = std::make_shared<Bundle>(*small_bundle(dir / "b", 1, {.with_rules = true}));
  auto compiled = rules::RuleSet::compile(kNight, "rules", bundle->schema, rules::Phase::post);
  REQUIRE(compiled.rules);
  bundle->post = *compiled.rules;
  bundle->policy.load.max_in_flight = 1;
  const Table rows = small_rows(bundle->schema, 240, 3);
  {
    const Engine engine(bundle);
    Log log(dir / "log");
    for (std::size_t i = 0; i < rows.n_rows(); ++i) {
      const std::int64_t now_us = i % 10 == 0 ? 0 : static_cast<std::int64_t>(i) * 3'600'000'000;
      const Decision d = engine.decide({.row = rows.row(i), .now_us = now_us});
      if (d.pre.action == Action::none) CHECK(d.post.n_fired == (now_us == 0 || i % 24 < 6 ? 1 : 0));
      log.append(*bundle, d, {.time_in_us = now_us, .row = rows.row(i)});
    }
  }
  ThreadPool pool(3);
  const auto report = replay(dir / "log", bundle, {.pool = &pool});
  CAPTURE(described(report));
  CHECK(report.n_records == 240);
  CHECK(report.n_different == 0);
}

TEST_CASE("if another bundle decides differently, the differences are counted and the first field is named") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "b", 1, {.with_rules = true}),
             other = small_bundle(dir / "c", 2, {.with_rules = true});
  const Decided decided(200);
  {
    Log log(dir / "log", {.encrypt = true});
    for (std::size_t i = 0; i < 200; ++i) decided.append(log, i);
    log.flush(10'000);
    log.erase(log.subject_reference("person 0"), kNoon);
  }
  const auto same = replay(dir / "log", decided.bundle);
  CHECK(same.n_records == 160);
  CHECK(same.n_erased == 40);
  CHECK(same.n_different == 0);
  const auto report = replay(dir / "log", other, {.max_differences = 3});
  CHECK(report.n_other_bundle == 160);
  CHECK(report.n_different > 100);
  REQUIRE(report.differences.size() == 3);
  CHECK_THAT(report.differences[0].what, Catch::StartsWith("margin_forest "));
  const auto wide = small_bundle(dir / "d", 1, {.with_late = true});
  CHECK_THROWS_AS(replay(dir / "log", wide), Error);
}

TEST_CASE("decide_twice gives the decisions of the log, and those of a log written under the other policy") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "b", 1, {.with_late = true, .with_rules = true});
  auto changed = std::make_shared<Bundle>(*bundle);
  changed->policy.level0 = {0.3, 0.5, cascade::Action::review};
  changed->policy.level1 = {0.45, 0.7, cascade::Action::decline};
  changed->policy.level3 = cascade::Action::decline;
  log_every_mood(dir / "log", bundle);
  log_every_mood(dir / "other", changed);
  std::vector<RecordOutcome> wanted;
  for_each_decision(dir / "other", [&](StoredDecision&& d) { wanted.push_back(d.record.outcome); });
  ThreadPool pool(2);
  for (const std::size_t batch : {7, 4096}) {
    std::size_t n = 0, n_changed = 0;
    const auto visit = [&](const DecidedTwice& decided) {
      REQUIRE(decided.index == n);
      CAPTURE(n);
      std::string now;
      encode_outcome(now, *changed, decided.after, {});
      REQUIRE(difference(wanted[n], decode_outcome(now)) == "");
      n_changed += decided.before.action != decided.after.action;
      ++n;
    };
    const auto report = decide_twice(dir / "log", bundle, changed, visit, {.batch = batch, .pool = &pool});
    CHECK(n == 600);
    CHECK(n_changed > 50);
    CHECK(report.n_records == 600);
    CHECK(report.n_different == 0);
  }
  CHECK(decide_twice(dir / "log", changed, bundle, [](const DecidedTwice&) {}).n_different > 50);
}

}  // namespace sluice::test
