#pragma once
/// The cascade: rules, forest, band, network, action. Every request gets a decision; nothing is lost silently.
///
/// The engine is immutable but for the network's breaker: any number of threads may call it at once. `decide` allocates
/// nothing. The same bundle and row give the same bits from `decide` and `decide_batch`, whatever the batch and the
/// threads; only a deadline or an open breaker can make two runs differ, and the record says so. `decide_batch` asks
/// no breaker: nobody waits for it.

#include <chrono>
#include <memory>
#include <span>

#include "sluice/base/batch.h"
#include "sluice/base/thread_pool.h"
#include "sluice/cascade/breaker.h"
#include "sluice/cascade/bundle.h"
#include "sluice/cascade/deadline.h"
#include "sluice/cascade/decision.h"
#include "sluice/cascade/stages.h"

namespace sluice::cascade {

/// Where late columns come from: asked only for requests inside the band. Must be thread-safe.
class FeatureProvider {
 public:
  enum class Result { ok, missing, late, failed };

  virtual ~FeatureProvider() = default;
  /// Fills `late`, one cell for each of Schema::late_columns (NaN for a missing one), within the remaining time.
  /// Anything but ok, and any exception, means L1 with that cause.
  virtual Result fetch(RowView row, std::span<double> late, Deadline remaining) const = 0;
};

struct EngineOptions {
  bool timings = false;                         // read the clock around the stages and fill Decision::timings_us
  std::shared_ptr<const ForestStage> forest;    // null: the bundle's
  std::shared_ptr<const NetworkStage> network;  // null: the bundle's, on the policy's device
  std::shared_ptr<Breaker> breaker;             // of the network, in `decide`; null: one of the policy's
};

class Prober;

class Engine {
 public:
  /// Throws what the stages throw at load: Error{forest.*, device.*}.
  explicit Engine(std::shared_ptr<const Bundle> bundle, EngineOptions options = {});
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  /// `row` in schema order. With a provider, the row's own late cells are not read; without one, they are what is
  /// there. `deadline` none means the policy's. Throws Error{shape} for a row of another width, and nothing else.
  Decision decide(RowView row, Deadline deadline = Deadline::none(), const FeatureProvider* provider = nullptr) const;

  /// As `decide` for each row, without deadlines; late columns come from the rows. `pool` null works on the calling
  /// thread.
  void decide_batch(RowsView rows, std::span<Decision> decisions, ThreadPool* pool = nullptr) const;

  const Bundle& bundle() const { return *bundle_; }
  const ForestStage& forest_stage() const { return *forest_; }
  const NetworkStage* network_stage() const { return network_.get(); }  // null where there is none
  Breaker& breaker() const { return *breaker_; }                        // of the network: to look at, or isolate it

 private:
  void run_stages(RowView row, Deadline deadline, const FeatureProvider* provider, Decision& d) const;
  bool rule_out(RowView row, Decision& d) const;
  bool score_forest(RowView row, Deadline deadline, StagedMargins& staged, Decision& d) const;
  bool take_forest(const StagedMargins& staged, Decision& d) const;
  void refine(RowView row, Deadline deadline, const FeatureProvider* provider, const StagedMargins& staged,
              Decision& d) const;
  Cause may_refine(Deadline deadline) const;
  Cause ask_network(RowView row, const StagedMargins& staged, Deadline deadline, float& margin,
                    DeviceName& device) const;
  Cause fetch_late(RowView row, Deadline deadline, const FeatureProvider* provider, std::span<double> full,
                   Decision& d) const;
  void take_network(float margin, const DeviceName& device, Decision& d) const;
  void act(Decision& d) const;
  void amend(RowView row, Decision& d) const;
  void decide_without_models(RowView row, Decision& d) const;
  void fall_to_default(Cause cause, Decision& d) const;
  void decide_block(RowsView rows, std::span<Decision> decisions) const;
  void refine_block(RowsView rows, std::span<const StagedMargins> staged, std::span<Decision> decisions) const;
  bool lacks_late_features(RowView row) const;
  double measure_network_us() const;

  std::shared_ptr<const Bundle> bundle_;
  std::shared_ptr<const ForestStage> forest_;
  std::shared_ptr<const NetworkStage> network_;
  std::shared_ptr<Breaker> breaker_;
  std::unique_ptr<Prober> prober_;  // null where there is no network
  bool timings_ = false;
  double network_us_ = 0;  // what one row takes (95th percentile at load): with less time left the network is skipped
};

}  // namespace sluice::cascade
