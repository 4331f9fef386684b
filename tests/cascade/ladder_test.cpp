#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>
#include <thread>

#include "sluice/base/error.h"
#include "sluice/cascade/engine.h"
#include "sluice/cascade/record.h"
#include "support/catch.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

using namespace cascade;
using std::chrono::microseconds;

enum class Fault { none, throws, nan, inf, slow };

void misbehave(Fault fault, float& margin) {
  if (fault == Fault::throws) throw std::runtime_error("fault");
  if (fault == Fault::nan) margin = std::numeric_limits<float>::quiet_NaN();
  if (fault == Fault::inf) margin = -std::numeric_limits<float>::infinity();
  if (fault == Fault::slow) std::this_thread::sleep_for(std::chrono::milliseconds(60));
}

/// Rows whose first number is above 1000 have the fault; the others are answered.
struct FaultyForest final : ForestStage {
  Fault fault = Fault::none;
  void score(RowsView rows, std::span<PrefixMargins> out) const override {
    for (std::size_t i = 0; i < rows.n_rows; ++i) {
      float margin = 0.0f;
      if (rows.row(i)[2] > 1000) misbehave(fault, margin);
      out[i].fill(margin);
    }
  }
};
struct FaultyNetwork final : NetworkStage {
  Fault fault = Fault::none;
  NetworkAnswer score(RowsView rows, std::span<const PrefixMargins>, std::span<float> out, Deadline) const override {
    for (std::size_t i = 0; i < rows.n_rows; ++i) {
      out[i] = 3.0f;
      if (rows.row(i)[2] > 1000) misbehave(fault, out[i]);
    }
    return {Cause::none, DeviceName("fake")};
  }
};
struct FaultyProvider final : FeatureProvider {
  std::function<Result()> answer;
  Result fetch(RowView, std::span<double>, Deadline) const override { return answer(); }
};

constexpr const char* kUndecided = R"({"ruleset": "two", "version": 1, "hit_policy": "unique", "rules": [
  {"id": "A", "when": "amount > 0 USD", "on_missing": "SKIP", "then": {"action": "DECLINE", "reason": "A"}},
  {"id": "B", "when": "amount > 1 USD", "on_missing": "SKIP", "then": {"action": "APPROVE", "reason": "B"}}]})";
constexpr const char* kApproveAll = R"({"ruleset": "all", "version": 1, "hit_policy": "first", "rules": [
  {"id": "ALL", "when": "amount > 0 USD", "on_missing": "SKIP", "then": {"action": "APPROVE", "reason": "ALL"}}]})";
constexpr const char* kNobody = R"({"ruleset": "none", "version": 1, "hit_policy": "first", "rules": [
  {"id": "NEVER", "when": "amount < 0 USD", "on_missing": "SKIP", "then": {"action": "APPROVE", "reason": "NEVER"}}]})";

struct Case {
  std::string name;
  Fault forest = Fault::none, network = Fault::none;
  std::function<void(Bundle&)> change = [](Bundle&) {};
  std::function<FeatureProvider::Result()> provider;  // if set, the bundle has late columns
  Level level = Level::L0;
  Cause cause = Cause::none, rules_cause = Cause::none;
  Action action = Action::decline;
  std::string path = "forest>network";
  std::optional<microseconds> deadline;
};

rules::RuleSet ruleset(const char* json, const Schema& schema, rules::Phase phase) {
  auto compiled = rules::RuleSet::compile(json, "rules", schema, phase);
  throw_if_errors(compiled.diagnostics);
  return *compiled.rules;
}
auto with_fallback(const char* json) {
  return [json](Bundle& b) { b.fallback = ruleset(json, b.schema, rules::Phase::fallback); };
}

std::vector<Case> cases() {
  using R = FeatureProvider::Result;
  // The forest's p is about 0.5: L0 declines by the network, L1 approves, L3 declines or reviews by the policy.
  std::vector<Case> all = {{.name = "all well"}};
  const auto add = [&](Case c) { all.push_back(std::move(c)); };
  const auto level1 = [&](Case c, Cause cause) {
    c.level = Level::L1, c.cause = cause, c.action = Action::approve, c.path = "forest";
    add(std::move(c));
  };
  level1({.name = "network throws", .network = Fault::throws}, Cause::network_failed);
  level1({.name = "network NaN", .network = Fault::nan}, Cause::network_not_finite);
  level1({.name = "network inf", .network = Fault::inf}, Cause::network_not_finite);
  level1({.name = "network slow", .network = Fault::slow, .deadline = microseconds(20000)}, Cause::network_late);
  level1({.name = "network disabled", .change = [](Bundle& b) { b.policy.network.enabled = false; }},
         Cause::network_disabled);
  level1({.name = "late failed", .provider = [] { return R::failed; }}, Cause::late_features_failed);
  level1({.name = "late unknown", .provider = [] { return static_cast<R>(77); }}, Cause::late_features_failed);
  level1({.name = "late missing", .provider = [] { return R::missing; }}, Cause::late_features_missing);
  level1({.name = "late late", .provider = [] { return R::late; }}, Cause::late_features_late);
  level1({.name = "provider throws", .provider = []() -> R { throw std::runtime_error("down"); }},
         Cause::late_features_failed);
  for (const auto& [fault, cause] : {std::pair(Fault::throws, Cause::forest_failed),
                                     {Fault::nan, Cause::forest_not_finite},
                                     {Fault::inf, Cause::forest_not_finite}}) {
    add({.name = "forest, no fallback",
         .forest = fault,
         .level = Level::L3,
         .cause = cause,
         .rules_cause = Cause::rules_missing,
         .action = Action::review,
         .path = "safe_default"});
    add({.name = "forest, fallback",
         .forest = fault,
         .change = with_fallback(kApproveAll),
         .level = Level::L2,
         .cause = cause,
         .action = Action::approve,
         .path = "fallback_rules"});
    add({.name = "forest, fallback without action",
         .forest = fault,
         .change = with_fallback(kNobody),
         .level = Level::L3,
         .cause = cause,
         .rules_cause = Cause::rules_undecided,
         .action = Action::review,
         .path = "safe_default"});
    add({.name = "forest, undecided fallback",
         .forest = fault,
         .change = with_fallback(kUndecided),
         .level = Level::L3,
         .cause = cause,
         .rules_cause = Cause::rules_undecided,
         .action = Action::review,
         .path = "safe_default"});
  }
  add({.name = "forest late",
       .change = with_fallback(kApproveAll),
       .level = Level::L2,
       .cause = Cause::forest_late,
       .action = Action::approve,
       .path = "fallback_rules",
       .deadline = microseconds(-1)});
  add({.name = "forest slow",
       .forest = Fault::slow,
       .level = Level::L1,
       .cause = Cause::network_late,
       .action = Action::approve,
       .path = "forest",
       .deadline = microseconds(20000)});
  add({.name = "pre undecided",
       .change = [](Bundle& b) { b.pre = ruleset(kUndecided, b.schema, rules::Phase::pre); },
       .level = Level::L3,
       .cause = Cause::rules_undecided,
       .action = Action::review,
       .path = "safe_default"});
  add({.name = "post undecided",
       .change = [](Bundle& b) { b.post = ruleset(kUndecided, b.schema, rules::Phase::post); },
       .level = Level::L3,
       .cause = Cause::rules_undecided,
       .action = Action::review,
       .path = "forest>network>safe_default"});
  add({.name = "post undecided after L1",
       .network = Fault::throws,
       .change = [](Bundle& b) { b.post = ruleset(kUndecided, b.schema, rules::Phase::post); },
       .level = Level::L3,
       .cause = Cause::network_failed,
       .rules_cause = Cause::rules_undecided,
       .action = Action::review,
       .path = "forest>safe_default"});
  add({.name = "safe default",
       .forest = Fault::nan,
       .change = [](Bundle& b) { b.policy.level3 = Action::decline; },
       .level = Level::L3,
       .cause = Cause::forest_not_finite,
       .rules_cause = Cause::rules_missing,
       .path = "safe_default"});
  return all;
}

std::shared_ptr<Bundle> bundle_for(const Case& c, const std::filesystem::path& folder) {
  auto bundle = std::make_shared<Bundle>(*small_bundle(folder, 3, {.with_late = static_cast<bool>(c.provider)}));
  bundle->policy.level0 = {0.1, 0.2, Action::review};
  bundle->policy.level1 = {0.8, 0.9, Action::review};
  c.change(*bundle);
  return bundle;
}

std::vector<double> poisoned_row(const Schema& schema) {
  std::vector<double> row(schema.size());
  row[2] = 2000;  // amount
  return row;
}

std::string path_of(const Decision& d) {
  std::string path;
  append_path(path, d);
  return path;
}

}  // namespace

TEST_CASE("every fault degrades to its level, with its cause, action and path") {
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    const TempDir dir;
    const auto forest = std::make_shared<FaultyForest>();
    const auto network = std::make_shared<FaultyNetwork>();
    forest->fault = c.forest;
    network->fault = c.network;
    FaultyProvider provider;
    provider.answer = c.provider;
    const Engine engine(bundle_for(c, dir / "b"), {.forest = forest, .network = network});
    const auto row = poisoned_row(engine.bundle().schema);
    const Deadline deadline = c.deadline ? Deadline::in(*c.deadline) : Deadline::none();
    const Decision d = engine.decide(row, deadline, c.provider ? &provider : nullptr);
    CHECK(std::string(to_string(d.level)) == to_string(c.level));
    CHECK(std::string(to_string(d.cause)) == to_string(c.cause));
    CHECK(std::string(to_string(d.rules_cause)) == to_string(c.rules_cause));
    CHECK(d.action == c.action);
    CHECK(path_of(d) == c.path);
    CHECK(d.network.ran == d.took(Stage::network));
  }
}

TEST_CASE("without a network, or with a deadline shorter than the network's time, the forest alone decides") {
  const TempDir dir;
  const auto forest = std::make_shared<FaultyForest>();
  const Engine bare(small_bundle(dir / "bare", 3, {.with_network = false}), {.forest = forest});
  CHECK(bare.decide(poisoned_row(bare.bundle().schema)).cause == Cause::network_missing);

  struct AlwaysSlow final : NetworkStage {
    NetworkAnswer score(RowsView, std::span<const PrefixMargins>, std::span<float> out, Deadline) const override {
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
      out[0] = 3.0f;
      return {};
    }
  };
  const Engine slow(small_bundle(dir / "b", 3), {.forest = forest, .network = std::make_shared<AlwaysSlow>()});
  const Decision d = slow.decide(poisoned_row(slow.bundle().schema), Deadline::in(microseconds(2500)));
  CHECK(d.cause == Cause::network_late);
  CHECK(d.level == Level::L1);
  CHECK_FALSE(d.network.ran);
}

TEST_CASE("late columns from neither the provider nor the row lead to L1") {
  const TempDir dir;
  const Engine engine(small_bundle(dir / "b", 3, {.with_late = true}), {.forest = std::make_shared<FaultyForest>()});
  auto row = poisoned_row(engine.bundle().schema);
  for (const std::size_t c : engine.bundle().schema.late_columns()) row[c] = std::nan("");
  CHECK(engine.decide(row).cause == Cause::late_features_missing);
  std::vector<Decision> decisions(1);
  engine.decide_batch(RowsView(RowView(row)), decisions);
  CHECK(decisions[0].cause == Cause::late_features_missing);
}

TEST_CASE("a row with a fault affects no other row of its batch") {
  for (const bool in_forest : {true, false}) {
    const TempDir dir;
    const auto forest = std::make_shared<FaultyForest>();
    const auto network = std::make_shared<FaultyNetwork>();
    (in_forest ? forest->fault : network->fault) = Fault::throws;
    const Engine engine(bundle_for({.name = "batch", .change = with_fallback(kApproveAll)}, dir / "b"),
                        {.forest = forest, .network = network});
    Table rows(engine.bundle().schema.size(), 300);
    rows.row(137)[2] = 2000;
    std::vector<Decision> decisions(300);
    engine.decide_batch(rows.view(), decisions);
    for (std::size_t i = 0; i < 300; ++i) {
      CAPTURE(in_forest, i);
      CHECK(decisions[i].level == (i != 137 ? Level::L0 : in_forest ? Level::L2 : Level::L1));
      CHECK(decisions[i].cause == (i != 137 ? Cause::none : in_forest ? Cause::forest_failed : Cause::network_failed));
    }
  }
}

TEST_CASE("a deadline is in range for every budget") {
  using std::chrono::microseconds;
  for (const auto budget : {microseconds::max(), microseconds::max() / 1000, microseconds::max() / 1001})
    CHECK(Deadline::in(budget).remaining_us() > 1e12);
  for (const auto budget : {microseconds::min(), microseconds::min() / 1000, microseconds(-1), microseconds(0)})
    CHECK(Deadline::in(budget).has_passed());
  CHECK_FALSE(Deadline::in(std::chrono::hours(1)).has_passed());
  CHECK_FALSE(Deadline::in(std::chrono::hours(1)).is_none());
}

}  // namespace sluice::test
