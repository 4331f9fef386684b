#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "sluice/cascade/engine.h"
#include "sluice/cascade/resilience/fault_plan.h"
#include "sluice/cascade/resilience/isolate.h"
#include "support/catch.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

using namespace cascade;
using std::chrono::milliseconds;

constexpr const char* kApproveAll = R"({"ruleset": "all", "version": 1, "hit_policy": "first", "rules": [
  {"id": "ALL", "when": "amount >= 0 USD || amount < 0 USD", "on_missing": "APPROVE",
   "then": {"action": "APPROVE", "reason": "ALL"}}]})";

struct Gives final : FeatureProvider {
  Result fetch(RowView, std::span<double> late, Deadline) const override {
    std::fill(late.begin(), late.end(), 1.0);
    return Result::ok;
  }
};

/// One fault for each stage.
struct Faults {
  Fault forest, provider, network;
};

std::shared_ptr<FaultPlan> always(Fault fault) {
  FaultOptions options{.delay_us = 1'000, .stuck_us = 60'000'000, .may_end_threads = true};
  options.rates[static_cast<std::size_t>(fault)] = 1;
  return std::make_shared<FaultPlan>(options);
}

struct Plans {
  explicit Plans(const Faults& f)
      : forest(always(f.forest)), provider(always(f.provider)), network(always(f.network)) {}
  ~Plans() {
    for (const auto& plan : {forest, provider, network}) plan->release();
  }
  std::shared_ptr<FaultPlan> forest, provider, network;
};

/// A wait so long that only a stage that hangs is late, even on a busy machine.
IsolationOptions isolation(const FaultPlan& plan) {
  const bool hangs = plan.options().rates[static_cast<std::size_t>(Fault::stuck)] > 0;
  return {.n_threads = 1, .max_wait_us = hangs ? 5'000 : 60'000'000};
}

struct Faulty {
  Faulty(const std::filesystem::path& folder, bool has_rules) {
    auto made = std::make_shared<Bundle>(*small_bundle(folder, 3, {.with_late = true, .band = Band{0, 1, true}}));
    made->policy.breaker.failure_rate = 1;
    made->policy.breaker.min_calls = 1'000'000;  // never opens: each case must reach the stage itself
    if (has_rules) {
      auto compiled = rules::RuleSet::compile(kApproveAll, "rules", made->schema, rules::Phase::fallback);
      REQUIRE(compiled.rules);
      made->fallback = *compiled.rules;
    }
    bundle = made;
    sound = std::make_shared<const Engine>(bundle);
  }

  Engine engine(const Plans& plans) const {
    const auto borrowed = [this](const auto& stage) {
      return std::shared_ptr<const std::remove_reference_t<decltype(stage)>>(sound, &stage);
    };
    const std::shared_ptr<const ForestStage> forest = with_faults(borrowed(sound->forest_stage()), plans.forest);
    const std::shared_ptr<const NetworkStage> network = with_faults(borrowed(*sound->network_stage()), plans.network);
    plans.network->set_active(false);  // while the engine measures it
    Engine engine(bundle, {.forest = isolate(forest, bundle->schema, isolation(*plans.forest)),
                           .network = isolate(network, bundle->schema, isolation(*plans.network))});
    plans.network->set_active(true);
    return engine;
  }

  std::shared_ptr<const Bundle> bundle;
  std::shared_ptr<const Engine> sound;  // a thread that hangs may outlive the test
};

Cause cause_of(Fault fault, Cause late, Cause failed, Cause not_finite) {
  switch (fault) {
    case Fault::none:
    case Fault::delay:
      return Cause::none;
    case Fault::stuck:
      return late;
    case Fault::not_finite:
    case Fault::wrong_shape:
      return not_finite;
    default:
      return failed;
  }
}

/// The expected level and cause, as docs/policy.md defines them: the first stage that fails gives the cause.
struct Expected {
  Level level = Level::L0;
  Cause cause = Cause::none;
};
Expected expected(const Faults& faults, bool has_rules) {
  const Cause forest = cause_of(faults.forest, Cause::forest_late, Cause::forest_failed, Cause::forest_not_finite);
  if (forest != Cause::none) return {has_rules ? Level::L2 : Level::L3, forest};
  // Late cells that are not finite, or were not written, are inputs like any other.
  const Cause provider = cause_of(faults.provider, Cause::late_features_late, Cause::late_features_failed, Cause::none);
  if (provider != Cause::none) return {Level::L1, provider};
  const Cause network = cause_of(faults.network, Cause::network_late, Cause::network_failed, Cause::network_not_finite);
  return {network == Cause::none ? Level::L0 : Level::L1, network};
}

}  // namespace

TEST_CASE("every combination of faults in forest, provider and network leads to its level and cause") {
  const TempDir dir;
  for (const bool has_rules : {true, false}) {
    const Faulty faulty(dir / (has_rules ? "rules" : "bare"), has_rules);
    const std::vector<double> row(faulty.bundle->schema.size(), 0.5);
    for (std::size_t f = 0; f < kFaultCount; ++f)
      for (std::size_t p = 0; p < kFaultCount; ++p)
        for (std::size_t n = 0; n < kFaultCount; ++n) {
          const Faults faults{static_cast<Fault>(f), static_cast<Fault>(p), static_cast<Fault>(n)};
          // If the forest fails, the other stages are not called: one case is enough. Only there the rules matter.
          const bool has_forest = expected(faults, true).level != Level::L2;
          if (has_forest ? !has_rules : p || n) continue;
          CAPTURE(has_rules, to_string(faults.forest), to_string(faults.provider), to_string(faults.network));
          const Plans plans(faults);
          const Engine engine = faulty.engine(plans);
          const std::shared_ptr<const FeatureProvider> gives = with_faults(std::make_shared<Gives>(), plans.provider);
          const auto provider = isolate(gives, faulty.bundle->schema, isolation(*plans.provider));
          const Decision d = engine.decide({.row = row, .provider = provider.get()});
          const Expected e = expected(faults, has_rules);
          CHECK(std::string(to_string(d.level)) == to_string(e.level));
          CHECK(std::string(to_string(d.cause)) == to_string(e.cause));
          CHECK(d.action != Action::none);
          CHECK(engine.ledger().counts().under_way() == 0);
          CHECK(engine.ledger().counts().levels[static_cast<std::size_t>(e.level)] == 1);
        }
  }
}

TEST_CASE("a fault plan is reproducible by its seed and keeps its rates") {
  FaultOptions options{.seed = 9};
  options.rates[static_cast<std::size_t>(Fault::throws)] = 0.2;
  options.rates[static_cast<std::size_t>(Fault::not_finite)] = 0.1;
  FaultPlan first(options), second(options);
  for (int k = 0; k < 20'000; ++k) REQUIRE(first.next() == second.next());
  CHECK(first.count(Fault::throws) == Approx(4000).margin(300));
  CHECK(first.count(Fault::not_finite) == Approx(2000).margin(200));
  CHECK(first.count(Fault::stuck) == 0);
  first.set_active(false);
  for (int k = 0; k < 100; ++k) CHECK(first.next() == Fault::none);
}

}  // namespace sluice::test
