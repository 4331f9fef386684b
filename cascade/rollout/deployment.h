#pragma once
/// The bundle in service, and how it changes under load.
///
/// A decision holds one version from its first rule to its record, so that none mixes two; those who decide never wait
/// for a change. A new bundle is loaded, held against its parity sample and warmed up before anything is switched. For
/// a window afterwards its predecessor decides copies of some requests; where the two part by more than the guard
/// allows, the predecessor comes back by itself. Everything that was changed stands in the history: when, who, why.

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
  Digest bundle;  // in service from then on
  std::int64_t policy_version = 0;
  std::int64_t time_us = 0;  // since 1970 UTC, of the system's clock
  std::string who, why;
};

struct DeploymentOptions {
  GuardOptions guard;
  std::filesystem::path history;  // a file of JSON lines, which is gone on with; empty: kept in memory alone
  EngineOptions engine;           // of every version; its ledger counts them all. Stages that are null are the bundle's
  /// Makes a version's engine where `engine` is not enough; null: Engine(bundle, engine).
  std::function<Engine(std::shared_ptr<const Bundle>, const EngineOptions&)> make_engine;
};

class Deployment {
  struct Version;

 public:
  /// Throws what Engine throws, Error{deployment.warm_up, file.*}.
  Deployment(std::shared_ptr<const Bundle> bundle, const std::string& who, const std::string& why,
             DeploymentOptions options = {});
  ~Deployment();
  Deployment(const Deployment&) = delete;
  Deployment& operator=(const Deployment&) = delete;

  /// One version, held for one decision and its record. To be short-lived.
  class Use {
   public:
    /// As Engine::decide. While a guard watches, copies go to the predecessor.
    Decision decide(const Request& request) const;
    const Bundle& bundle() const;
    const Engine& engine() const;

   private:
    friend class Deployment;
    explicit Use(HotSlot<Version>& slot) : hold_(slot.hold()) {}
    HotSlot<Version>::Hold hold_;
  };
  Use use() { return Use(slot_); }  // wait-free

  /// Switches to `bundle`, which must read the same rows. Returns when no decision runs on the predecessor any more. A
  /// guard that still watches an earlier change is ended: what it watches counts as sound. Not for a thread that holds
  /// a Use. Throws, and changes nothing, Error{deployment.schema, deployment.warm_up, file.*} and what Engine throws.
  void promote(std::shared_ptr<const Bundle> bundle, const std::string& who, const std::string& why);

  /// Back to the predecessor, even where the history cannot be written. Throws Error{deployment.no_predecessor}.
  void roll_back(const std::string& who, const std::string& why);

  std::vector<Change> history() const;
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
