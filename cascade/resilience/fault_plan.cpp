#include "sluice/cascade/resilience/fault_plan.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <thread>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/random.h"

namespace sluice::cascade {
namespace {

constexpr float kNotFinite[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                                -std::numeric_limits<float>::infinity()};

[[noreturn]] void give_up(Fault fault, const FaultPlan& plan) {
  if (fault == Fault::crash && plan.options().may_end_threads) pthread_exit(nullptr);
  throw std::runtime_error(std::string("injected: ") + to_string(fault));
}

class FaultyForest final : public ForestStage {
 public:
  FaultyForest(std::shared_ptr<const ForestStage> stage, std::shared_ptr<FaultPlan> plan)
      : stage_(std::move(stage)), plan_(std::move(plan)) {}

  void score(RowsView rows, std::span<PrefixMargins> out) const override {
    const Fault fault = plan_->next();
    if (fault == Fault::throws || fault == Fault::crash || fault == Fault::device_lost) give_up(fault, *plan_);
    plan_->wait_out(fault);
    if (fault == Fault::wrong_shape) return;
    stage_->score(rows, out);
    if (fault != Fault::not_finite) return;
    for (std::size_t i = 0; i < rows.n_rows; ++i) out[i].fill(kNotFinite[plan_->count(fault) % 3]);
  }
  std::vector<std::string> warnings() const override { return stage_->warnings(); }

 private:
  std::shared_ptr<const ForestStage> stage_;
  std::shared_ptr<FaultPlan> plan_;
};

class FaultyNetwork final : public NetworkStage {
 public:
  FaultyNetwork(std::shared_ptr<const NetworkStage> stage, std::shared_ptr<FaultPlan> plan)
      : stage_(std::move(stage)), plan_(std::move(plan)) {}

  NetworkAnswer score(RowsView rows, std::span<const PrefixMargins> forest, std::span<float> out,
                      Deadline deadline) const override {
    const Fault fault = plan_->next();
    if (fault == Fault::throws || fault == Fault::crash) give_up(fault, *plan_);
    if (fault == Fault::device_lost) return {Cause::network_failed, {}};
    plan_->wait_out(fault);
    if (fault == Fault::wrong_shape) return {};
    const NetworkAnswer answer = stage_->score(rows, forest, out, deadline);
    if (fault == Fault::not_finite) std::fill_n(out.begin(), rows.n_rows, kNotFinite[plan_->count(fault) % 3]);
    return answer;
  }

 private:
  std::shared_ptr<const NetworkStage> stage_;
  std::shared_ptr<FaultPlan> plan_;
};

class FaultyProvider final : public FeatureProvider {
 public:
  FaultyProvider(std::shared_ptr<const FeatureProvider> provider, std::shared_ptr<FaultPlan> plan)
      : provider_(std::move(provider)), plan_(std::move(plan)) {}

  Result fetch(RowView row, std::span<double> late, Deadline remaining) const override {
    const Fault fault = plan_->next();
    if (fault == Fault::throws || fault == Fault::crash || fault == Fault::device_lost) give_up(fault, *plan_);
    plan_->wait_out(fault);
    if (fault == Fault::wrong_shape) return Result::ok;
    const Result result = provider_->fetch(row, late, remaining);
    if (fault == Fault::not_finite)
      std::fill(late.begin(), late.end(), static_cast<double>(kNotFinite[plan_->count(fault) % 3]));
    return result;
  }

 private:
  std::shared_ptr<const FeatureProvider> provider_;
  std::shared_ptr<FaultPlan> plan_;
};

}  // namespace

const char* to_string(Fault fault) {
  static constexpr const char* kNames[] = {"none",        "delay", "throws", "not_finite",
                                           "wrong_shape", "stuck", "crash",  "device_lost"};
  return kNames[static_cast<std::size_t>(fault)];
}

FaultPlan::FaultPlan(const FaultOptions& options) : options_(options) {
  double sum = 0;
  options_.rates[0] = 0;
  for (const double rate : options_.rates) {
    if (!(rate >= 0)) throw Error("fault.rates", "a fault's rate must be 0 to 1");
    sum += rate;
  }
  if (sum > 1 + 1e-9) throw Error("fault.rates", "the faults' rates add up to more than 1");
}

void FaultPlan::release() { is_released_ = true; }

Fault FaultPlan::next() {
  const std::uint64_t call = n_calls_.fetch_add(1, std::memory_order_relaxed);
  auto fault = Fault::none;
  if (is_active_) {
    double left = static_cast<double>(mix64(options_.seed ^ mix64(call)) >> 11) * 0x1.0p-53;
    for (std::size_t f = 1; f < kFaultCount && fault == Fault::none; ++f)
      if ((left -= options_.rates[f]) < 0) fault = static_cast<Fault>(f);
  }
  counts_[static_cast<std::size_t>(fault)].fetch_add(1, std::memory_order_relaxed);
  return fault;
}

void FaultPlan::wait_out(Fault fault) const {
  using Clock = std::chrono::steady_clock;
  if (fault == Fault::delay) std::this_thread::sleep_for(std::chrono::microseconds(options_.delay_us));
  if (fault != Fault::stuck) return;
  const auto until = Clock::now() + std::chrono::microseconds(options_.stuck_us);
  while (!is_released_ && Clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

std::unique_ptr<ForestStage> with_faults(std::shared_ptr<const ForestStage> stage, std::shared_ptr<FaultPlan> plan) {
  return std::make_unique<FaultyForest>(std::move(stage), std::move(plan));
}
std::unique_ptr<NetworkStage> with_faults(std::shared_ptr<const NetworkStage> stage, std::shared_ptr<FaultPlan> plan) {
  return std::make_unique<FaultyNetwork>(std::move(stage), std::move(plan));
}
std::unique_ptr<FeatureProvider> with_faults(std::shared_ptr<const FeatureProvider> provider,
                                             std::shared_ptr<FaultPlan> plan) {
  return std::make_unique<FaultyProvider>(std::move(provider), std::move(plan));
}

}  // namespace sluice::cascade
