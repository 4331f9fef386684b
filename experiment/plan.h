#pragma once
/// Experiments: which arm decides a request, by a hash of its key (docs/experiments.md, docs/experiments.schema.json).
///
/// A plan is immutable and safe to share between threads. `assign` allocates nothing, reads no clock and gives the same
/// answer on every machine. A key keeps its arm while that arm's share grows, whatever the other arms do.

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

namespace sluice::cascade {

/// Layers and experiments are shared out in ten-thousandths.
inline constexpr std::int64_t kBuckets = 10'000;
inline constexpr std::size_t kMaxLayers = 16, kMaxExperiments = 200, kMaxArms = 16, kMaxSteps = 50;

enum class ChallengerKind : std::uint8_t { policy, rules, bundle };
const char* to_string(ChallengerKind kind);

/// What an arm decides with in the champion's place. Whoever runs the plan resolves `ref`: a path, or a digest.
struct Challenger {
  ChallengerKind kind = ChallengerKind::bundle;
  std::string ref;
};

struct Arm {
  std::string name;
  std::optional<Challenger> challenger;  // none: the champion, which is what is in force anyway
};

/// From a time on, these shares hold.
struct RampStep {
  std::int64_t from_us = 0;          // since 1970
  std::vector<std::int64_t> shares;  // in buckets, one for each arm, kBuckets together
};

/// Experiments of one layer exclude each other; layers are independent of each other.
struct Layer {
  std::string name, key, salt;  // key: the column, or what else the caller takes the key's text from
};

struct Experiment {
  std::string name, salt;
  std::size_t layer = 0;
  std::int64_t first_bucket = 0, end_bucket = 0;  // of the layer: [first, end)
  std::int64_t start_us = std::numeric_limits<std::int64_t>::min();
  std::int64_t stop_us = std::numeric_limits<std::int64_t>::max();  // it runs in [start, stop)
  std::vector<Arm> arms;                                            // the champion first
  std::optional<Arm> shadow;                                        // decides beside, never acts
  std::vector<RampStep> steps;  // in order of time; the first from the experiment's start on

  bool runs_at(std::int64_t now_us) const { return now_us >= start_us && now_us < stop_us; }
  /// The number of the step in force; the experiment must run then.
  std::size_t step_at(std::int64_t now_us) const;
};

/// Where one key is: in at most one experiment of each layer.
class Assignment {
 public:
  struct Place {
    std::uint16_t experiment = 0, arm = 0;  // numbers in ExperimentPlan::experiments and Experiment::arms
    bool has_shadow = false;                // the experiment's shadow decides beside
  };

  std::span<const Place> places() const& { return {places_.data(), n_}; }  // in the layers' order
  void places() const&& = delete;  // they are within the assignment, which must outlive them
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
  /// The number of the experiment of that name; nullopt for none.
  std::optional<std::size_t> find(std::string_view experiment) const;

  /// `keys`: the text of each layer's key, in the layers' order. A layer whose text is empty or not there takes no
  /// part. `now_us`: the time that the record will have as time_in_us.
  Assignment assign(std::span<const std::string_view> keys, std::int64_t now_us) const;
  /// The same text for every layer.
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
  std::optional<ExperimentPlan> plan;  // empty where there are errors
  std::vector<Diagnostic> diagnostics;
};

/// Checks the whole document: every fault at once, with its pointer; unknown keys with the nearest known one.
ExperimentCheck check_experiments(std::string_view json, std::string_view source);

/// Throws Error{experiment.*} with every fault.
ExperimentPlan parse_experiments(std::string_view json, std::string_view source);

/// What a record says of an assignment (DecisionContext::arm): "experiment/arm", one for each place, a space between;
/// "" for none.
void append_arm_text(std::string& out, const ExperimentPlan& plan, const Assignment& assignment);
std::string arm_text(const ExperimentPlan& plan, const Assignment& assignment);

struct ArmName {
  std::string_view experiment, arm;
};
/// Takes the first name off a record's text, and the space behind it. nullopt, with nothing left of `text`, at its end
/// and at what is no such name.
std::optional<ArmName> take_arm_name(std::string_view& text);

}  // namespace sluice::cascade
