#include <utility>
#include <vector>

#include "sluice/cascade/bundle_stage.h"
#include "sluice/cascade/engine.h"
#include "sluice/cascade/engine_parts.h"
#include "sluice/cascade/resilience/forest_call.h"
#include "sluice/cascade/resilience/network_call.h"

namespace sluice::cascade {
namespace {

BreakerOptions breaker_options(const BreakerPolicy& policy) {
  return {.window_us = policy.window_ms * 1000,
          .min_calls = static_cast<std::uint32_t>(policy.min_calls),
          .failure_rate = policy.failure_rate,
          .open_us = policy.open_ms * 1000,
          .max_open_us = policy.open_ms * 32'000};
}

GateOptions gate_options(const LoadPolicy& policy, std::int64_t limit) {
  return {.limit = limit,
          .normal_share = policy.normal_share,
          .low_share = policy.low_share,
          .resume_share = policy.resume_share};
}

}  // namespace

Engine::Gates::Gates(const LoadPolicy& policy)
    : decisions(gate_options(policy, policy.max_in_flight)), network(gate_options(policy, policy.network_in_flight)) {}

Engine::Engine(std::shared_ptr<const Bundle> bundle, EngineOptions options)
    : bundle_(std::move(bundle)),
      network_breaker_(std::move(options.network_breaker)),
      ledger_(options.ledger ? std::move(options.ledger) : std::make_shared<Ledger>()),
      gates_(std::make_unique<Gates>(bundle_->policy.load)),
      timings_(options.timings) {
  bundle_->check_policy_fits();
  const BreakerOptions of_policy = breaker_options(bundle_->policy.breaker);
  const std::size_t n_columns = bundle_->schema.size();
  if (!options.forest) options.forest = make_bundle_forest(*bundle_);
  if (!options.forest_breaker) options.forest_breaker = std::make_shared<Breaker>(of_policy);
  forest_ = std::make_unique<ForestCall>(std::move(options.forest), std::move(options.forest_breaker),
                                         of_policy.window_us, n_columns);
  if (!network_breaker_) network_breaker_ = std::make_shared<Breaker>(of_policy);
  if (!options.network) options.network = make_bundle_stage(*bundle_, bundle_->policy.network.device);
  if (options.network)
    network_ = std::make_unique<NetworkCall>(std::move(options.network), network_breaker_, n_columns);
}

Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

std::vector<std::string> Engine::warnings() const { return all_warnings(*bundle_, forest_stage()); }

const ForestStage& Engine::forest_stage() const { return forest_->stage(); }
const NetworkStage* Engine::network_stage() const { return network_ ? &network_->stage() : nullptr; }
Breaker& Engine::forest_breaker() const { return forest_->breaker(); }

}  // namespace sluice::cascade
