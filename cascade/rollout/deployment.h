#pragma once
/// The bundle in service, which can be replaced under load.
///
/// A decision holds one version from its first rule to its record, so that no decision mixes two; decisions never wait
/// for a change. The engine of a new bundle is made, checked against the parity sample and warmed up before the switch.
/// For a window after the switch, the predecessor decides copies of some requests. If the two versions differ by more
/// than the guard allows, the predecessor is put back automatically. The history contains every change: when, who, why.
/// Thread-safety: all calls are thread-safe. use() is wait-free; changes wait for each other, and for every Use of the
/// version that they replace.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sluice/cascade/engine.h"
#include "sluice/cascade/rollout/guard.h"
#include "sluice/cascade/rollout/hot_slot.h"

namespace sluice::cascade {

enum class ChangeKind : std::uint8_t { started, promoted, rolled_back };
const char* to_string(ChangeKind kind);

struct Change {
  ChangeKind kind = ChangeKind::started;
  Digest bundle;  // the bundle in service after the change
  std::int64_t policy_version = 0;
  std::int64_t time_us = 0;  // since 1970 UTC, by the system's clock
  std::string who, why;
};

struct DeploymentOptions {
  GuardOptions guard;
  std::filesystem::path history;  // JSON lines; created if absent, appended to otherwise; empty: only in memory
  EngineOptions engine;           // of every version; its ledger counts all versions. Null stages are the bundle's
  /// Makes a version's engine if `engine` is not enough; null: Engine(bundle, engine).
  std::function<Engine(std::shared_ptr<const Bundle>, const EngineOptions&)> make_engine;
};

class Deployment {
  struct Version;

 public:
  /// Throws Error{deployment.warm_up, file.*}, and what Engine throws.
  Deployment(std::shared_ptr<const Bundle> bundle, const std::string& who, const std::string& why,
             DeploymentOptions options = {});
  ~Deployment();
  Deployment(const Deployment&) = delete;
  Deployment& operator=(const Deployment&) = delete;

  /// One version, held for one decision and its record. Keep it short: a change waits for it.
  class Use {
   public:
    /// As Engine::decide. While a guard watches, the predecessor gets copies of some requests.
    Decision decide(const Request& request) const;
    const Bundle& bundle() const;
    const Engine& engine() const;

   private:
    friend class Deployment;
    explicit Use(HotSlot<Version>& slot) : hold_(slot.hold()) {}
    HotSlot<Version>::Hold hold_;
  };
  Use use() { return Use(slot_); }  // wait-free

  /// Switches to `bundle`, which must have the same schema. Returns when no decision runs on the predecessor any more.
  /// Ends a guard that still watches an earlier change; its version counts as sound. A thread that holds a Use must not
  /// call it. Throws Error{deployment.schema, deployment.warm_up, file.*} and what Engine throws, and then changes
  /// nothing, the history included.
  void promote(std::shared_ptr<const Bundle> bundle, const std::string& who, const std::string& why);

  /// Switches back to the predecessor, even if the history cannot be written. A thread that holds a Use must not call
  /// it. Throws Error{deployment.no_predecessor} after a start or another roll-back.
  void roll_back(const std::string& who, const std::string& why);

  std::vector<Change> history() const;                         // of this object; not what the file had before
  bool is_watched() const;                                     // whether a guard's window is open
  Ledger::Counts counts() const { return ledger_->counts(); }  // over all versions

 private:
  void watch();
  void switch_back(const std::string& who, const std::string& why);

  struct State;
  std::shared_ptr<Ledger> ledger_;
  HotSlot<Version> slot_;
  std::unique_ptr<State> state_;
};

/// One line of JSON: kind, bundle, policy_version, time_us, who, why.
void append_json(std::string& out, const Change& change);

}  // namespace sluice::cascade
