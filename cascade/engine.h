#pragma once
/// The cascade: rules, forest, band, network, action. Every request gets a decision, and no failure is silent.
///
/// `decide` allocates nothing. The same bundle and request give the same bits from `decide` and `decide_batch`,
/// whatever the batch and the threads. Only a deadline, an open breaker or a full gate can make two runs differ, and
/// the record contains the cause. `decide_batch` uses neither breakers nor gates: batches are not latency-bound and
/// take no places from single requests.
/// Thread-safety: const calls are thread-safe. Only the breakers, the gates and the ledger change.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/thread_pool.h"
#include "sluice/bundle/bundle.h"
#include "sluice/cascade/decision.h"
#include "sluice/cascade/forest_stage.h"
#include "sluice/cascade/ledger.h"
#include "sluice/cascade/request.h"
#include "sluice/cascade/resilience/breaker.h"
#include "sluice/cascade/resilience/gate.h"

namespace sluice::cascade {

struct EngineOptions {
  bool timings = false;                         // measure the stages and fill Decision::timings_us
  std::shared_ptr<const ForestStage> forest;    // null: the bundle's
  std::shared_ptr<const NetworkStage> network;  // null: the bundle's, on the policy's device
  std::shared_ptr<Breaker> forest_breaker;      // for `decide`; null: a new one with the policy's options
  std::shared_ptr<Breaker> network_breaker;     // for `decide`; null: a new one with the policy's options
  std::shared_ptr<Ledger> ledger;               // null: a new one
};

class ForestCall;
class NetworkCall;
class Selection;

class Engine {
 public:
  /// Throws what make_bundle_forest and make_bundle_stage throw (Error{forest.*, device.*, bundle.plugin,
  /// bundle.parity}) and Error{policy.min_gain} (Bundle::check_policy_fits).
  explicit Engine(std::shared_ptr<const Bundle> bundle, EngineOptions options = {});
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  /// Throws Error{shape} if the row does not have one cell per schema column, and nothing else.
  Decision decide(const Request& request) const;
  Decision decide(RowView row, Deadline deadline = Deadline::none(), const FeatureProvider* provider = nullptr) const {
    return decide(Request{.row = row, .deadline = deadline, .provider = provider});
  }

  /// As `decide`, but not counted in the ledger: for a shadow.
  Decision decide_unrecorded(const Request& request) const;

  /// Decides each row as `decide` does, without deadlines; late columns come from the rows. A null `pool` works on the
  /// calling thread. `now_us` is empty or has one time per row, as Request::now_us. Throws Error{shape} if the rows do
  /// not have the schema's columns, or if `decisions` or `now_us` are too short.
  void decide_batch(RowsView rows, std::span<Decision> decisions, ThreadPool* pool = nullptr,
                    std::span<const std::int64_t> now_us = {}) const;

  const Bundle& bundle() const { return *bundle_; }
  std::shared_ptr<const Bundle> shared_bundle() const { return bundle_; }
  /// The warnings of the bundle and of the forest stage. A bundle with warnings decides correctly, by slower methods;
  /// sluice bundle verify refuses it.
  std::vector<std::string> warnings() const;
  const ForestStage& forest_stage() const;
  const NetworkStage* network_stage() const;  // null if there is no network
  Breaker& forest_breaker() const;            // for its state, or to isolate the stage
  Breaker& network_breaker() const { return *network_breaker_; }
  const Ledger& ledger() const { return *ledger_; }

 private:
  struct Gates;
  struct Batch;

  void decide(const Request& request, Decision& d) const;
  Request checked(Request request) const;
  void check_width(std::size_t n_columns) const;
  bool apply_pre_rules(const Request& request, Decision& d) const;
  Cause score_forest(const Request& request, PrefixMargins& margins, Decision& d) const;
  void refine(const Request& request, const PrefixMargins& margins, Decision& d) const;
  Cause may_refine(Deadline deadline) const;
  Cause fetch_late(const Request& request, std::span<double> full, Decision& d) const;
  bool lacks_late_features(RowView row) const;
  void apply_post_rules(const Request& request, Decision& d) const;
  void decide_without_models(const Request& request, Decision& d) const;

  // Apply the answers of rules and stages to a decision.
  bool take_pre_rules(Decision& d) const;
  bool take_forest(Cause cause, const PrefixMargins& margins, Decision& d) const;
  void take_network(float margin, const DeviceName& device, Decision& d) const;
  void apply_cutoffs(Decision& d) const;
  void take_post_rules(Decision& d) const;
  void take_fallback_rules(Decision& d) const;
  void fall_to_default(Cause cause, Decision& d) const;

  // For a block of rows (engine_batch.cpp).
  void decide_block(RowsView rows, std::span<Decision> decisions, std::span<const std::int64_t> now_us) const;
  Selection apply_pre_rules(const Selection& rows, Batch& batch) const;
  Selection score_forest(const Selection& rows, Batch& batch) const;
  void route(const Selection& rows, Batch& batch) const;
  void refine(const Selection& rows, Batch& batch) const;
  void ask_network(const Selection& rows, Batch& batch) const;
  void apply_post_rules(const Selection& rows, Batch& batch) const;
  void decide_without_models(const Selection& rows, Batch& batch) const;

  std::shared_ptr<const Bundle> bundle_;
  std::shared_ptr<Breaker> network_breaker_;
  std::shared_ptr<Ledger> ledger_;
  std::unique_ptr<ForestCall> forest_;
  std::unique_ptr<NetworkCall> network_;  // null if there is no network
  std::unique_ptr<Gates> gates_;
  bool timings_ = false;
};

}  // namespace sluice::cascade
