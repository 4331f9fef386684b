#pragma once
/// Experiments: a hash of a request's key determines the arm that decides it (docs/experiments.md,
/// docs/experiments.schema.json).
///
/// `assign` allocates nothing, reads no clock and gives the same answer on every machine. A key keeps its arm while
/// that arm's share grows, whatever the other arms do.
/// Thread-safety: a plan is immutable; const calls are thread-safe.

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/diagnostic.h"
#include "sluice/experiment/siphash.h"

namespace sluice::experiment {

/// Layers and experiments are shared out in ten-thousandths.
inline constexpr std::int64_t kBuckets = 10'000;
inline constexpr std::size_t kMaxLayers = 16, kMaxExperiments = 200, kMaxArms = 16, kMaxSteps = 50;

enum class ChallengerKind : std::uint8_t { policy, rules, bundle };
const char* to_string(ChallengerKind kind);

/// What an arm uses instead of the champion. The program that runs the plan resolves `ref`: a path or a digest.
struct Challenger {
  ChallengerKind kind = ChallengerKind::bundle;
  std::string ref;
};

struct Arm {
  std::string name;
  std::optional<Challenger> challenger;  // nullopt: the champion, the current bundle and policy
};

/// The shares of the arms from a time on.
struct RampStep {
  std::int64_t from_us = 0;          // µs since 1970
  std::vector<std::int64_t> shares;  // in buckets, one per arm; the sum is kBuckets
};

/// Experiments of one layer exclude each other; layers are independent of each other.
struct Layer {
  std::string name, key, salt;  // key: the column, or another name for the source of the key's text
};

struct Experiment {
  std::string name, salt;
  std::size_t layer = 0;
  std::int64_t first_bucket = 0, end_bucket = 0;  // of the layer, [first, end)
  std::int64_t start_us = std::numeric_limits<std::int64_t>::min();
  std::int64_t stop_us = std::numeric_limits<std::int64_t>::max();  // it runs in [start, stop), µs since 1970
  std::vector<Arm> arms;                                            // the champion first
  std::optional<Arm> shadow;                                        // also decides, but never acts
  std::vector<RampStep> steps;  // ascending in time; the first holds from the experiment's start

  bool runs_at(std::int64_t now_us) const { return now_us >= start_us && now_us < stop_us; }
  /// Index of the step at this time. Precondition: runs_at(now_us).
  std::size_t step_at(std::int64_t now_us) const;
};

/// The arms of one key: at most one experiment per layer.
class Assignment {
 public:
  struct Place {
    std::uint16_t experiment = 0, arm = 0;  // indices in ExperimentPlan::experiments and Experiment::arms
    bool has_shadow = false;                // the experiment has a shadow that also decides
  };

  std::span<const Place> places() const& { return {places_.data(), n_}; }  // in the layers' order
  void places() const&& = delete;                                          // the span points into the assignment
  bool empty() const { return n_ == 0; }

 private:
  friend class ExperimentPlan;
  std::array<Place, kMaxLayers> places_{};
  std::size_t n_ = 0;
};

struct ExperimentCheck;

class ExperimentPlan {
 public:
  std::int64_t version() const { return version_; }
  const std::vector<Layer>& layers() const { return layers_; }
  const std::vector<Experiment>& experiments() const { return experiments_; }
  /// Index of the experiment with this name; nullopt if there is none.
  std::optional<std::size_t> find(std::string_view experiment) const;

  /// `keys` has the text of each layer's key, in the layers' order. A layer without a text or with an empty one assigns
  /// nothing. `now_us` is the request's time, as in the record's time_in_us.
  Assignment assign(std::span<const std::string_view> keys, std::int64_t now_us) const;
  /// Uses the same text for every layer.
  Assignment assign(std::string_view key, std::int64_t now_us) const;

 private:
  friend ExperimentCheck check_experiments(std::string_view json, std::string_view source);
  ExperimentPlan(std::int64_t version, std::vector<Layer> layers, std::vector<Experiment> experiments);
  void place(std::size_t layer, std::string_view key, std::int64_t now_us, Assignment& out) const;

  static constexpr std::uint16_t kNobody = 0xffff;

  std::int64_t version_ = 0;
  std::vector<Layer> layers_;
  std::vector<Experiment> experiments_;
  std::vector<SipKey> layer_keys_, arm_keys_;
  std::vector<std::vector<std::uint16_t>> owners_;              // [layer][bucket]: experiment, or kNobody
  std::vector<std::vector<std::vector<std::uint8_t>>> tables_;  // [experiment][step][bucket]: arm
};

struct ExperimentCheck {
  std::optional<ExperimentPlan> plan;  // nullopt if there are errors
  std::vector<Diagnostic> diagnostics;
};

/// Checks the whole document and reports every fault with its JSON pointer, and for unknown keys the nearest known one.
/// Never throws for a wrong document.
ExperimentCheck check_experiments(std::string_view json, std::string_view source);

/// Throws Error{experiment.*} that lists every fault.
ExperimentPlan parse_experiments(std::string_view json, std::string_view source);

/// The text of an assignment in a record (DecisionContext::arm): "experiment/arm" per place, separated by spaces; "" if
/// there is no place.
void append_arm_text(std::string& out, const ExperimentPlan& plan, const Assignment& assignment);
std::string arm_text(const ExperimentPlan& plan, const Assignment& assignment);

struct ArmName {
  std::string_view experiment, arm;
};
/// Removes the first name and the space after it from a record's text. At the end of the text, or if it does not begin
/// with a name, returns nullopt and clears `text`.
std::optional<ArmName> take_arm_name(std::string_view& text);

}  // namespace sluice::experiment
