#pragma once
/// The cascade: rules, forest, band, network, action. Every request gets a decision; nothing is lost silently.
///
/// The engine is immutable but for its breakers, gates and ledger: any number of threads may call it at once. `decide`
/// allocates nothing. The same bundle and request give the same bits from `decide` and `decide_batch`, whatever the
/// batch and the threads; only a deadline, an open breaker or a full gate can make two runs differ, and the record says
/// so. `decide_batch` asks no breaker and passes no gate: nobody waits for it, and it takes no room from those who
/// wait.

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
  bool timings = false;                         // read the clock around the stages and fill Decision::timings_us
  std::shared_ptr<const ForestStage> forest;    // null: the bundle's
  std::shared_ptr<const NetworkStage> network;  // null: the bundle's, on the policy's device
  std::shared_ptr<Breaker> forest_breaker;      // in `decide`; null: one of the policy's
  std::shared_ptr<Breaker> network_breaker;     // in `decide`; null: one of the policy's
  std::shared_ptr<Ledger> ledger;               // null: one of its own
};

class ForestCall;
class NetworkCall;

class Engine {
 public:
  /// Throws what the stages throw at load: Error{forest.*, device.*}; Error{policy.min_gain} as
  /// Bundle::check_policy_fits.
  explicit Engine(std::shared_ptr<const Bundle> bundle, EngineOptions options = {});
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  /// Throws Error{shape} for a row of another width than the schema's, and nothing else.
  Decision decide(const Request& request) const;
  Decision decide(RowView row, Deadline deadline = Deadline::none(), const FeatureProvider* provider = nullptr) const {
    return decide(Request{.row = row, .deadline = deadline, .provider = provider});
  }

  /// As `decide`, and counted in no ledger: for a shadow.
  Decision decide_unrecorded(const Request& request) const;

  /// As `decide` for each row, without deadlines; late columns come from the rows. `pool` null works on the calling
  /// thread. `now_us` is empty or has the time of each row, as Request::now_us.
  void decide_batch(RowsView rows, std::span<Decision> decisions, ThreadPool* pool = nullptr,
                    std::span<const std::int64_t> now_us = {}) const;

  const Bundle& bundle() const { return *bundle_; }
  std::shared_ptr<const Bundle> shared_bundle() const { return bundle_; }
  /// The bundle's warnings and those of the stage that serves its forests. A bundle that has any decides rightly, by
  /// slower methods; sluice bundle verify refuses it.
  std::vector<std::string> warnings() const;
  const ForestStage& forest_stage() const;
  const NetworkStage* network_stage() const;  // null where there is none
  Breaker& forest_breaker() const;            // to look at, or to isolate the stage
  Breaker& network_breaker() const { return *network_breaker_; }
  const Ledger& ledger() const { return *ledger_; }

 private:
  struct Gates;
  void check_width(RowView row) const;
  Request with_deadline(Request request) const;
  Decision decide_checked(const Request& request) const;
  void run_stages(const Request& request, Decision& d) const;
  bool apply_pre_rules(RowView row, double now, Decision& d) const;
  Cause score_forest(const Request& request, PrefixMargins& staged, Decision& d) const;
  bool take_forest(Cause cause, const PrefixMargins& staged, Decision& d) const;
  void refine(const Request& request, const PrefixMargins& staged, Decision& d) const;
  Cause may_refine(Deadline deadline) const;
  Cause fetch_late(const Request& request, std::span<double> full, Decision& d) const;
  void take_network(float margin, const DeviceName& device, Decision& d) const;
  void apply_cutoffs(Decision& d) const;
  void apply_post_rules(RowView row, double now, Decision& d) const;
  void decide_without_models(RowView row, double now, Decision& d) const;
  void fall_to_default(Cause cause, Decision& d) const;
  void decide_block(RowsView rows, std::span<Decision> decisions, std::span<const std::int64_t> now_us) const;
  void refine_block(RowsView rows, std::span<const PrefixMargins> staged, std::span<Decision> decisions) const;
  bool lacks_late_features(RowView row) const;

  std::shared_ptr<const Bundle> bundle_;
  std::shared_ptr<Breaker> network_breaker_;
  std::shared_ptr<Ledger> ledger_;
  std::unique_ptr<ForestCall> forest_;
  std::unique_ptr<NetworkCall> network_;  // null where there is no network
  std::unique_ptr<Gates> gates_;
  bool timings_ = false;
};

}  // namespace sluice::cascade
