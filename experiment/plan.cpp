#include "sluice/experiment/plan.h"

#include <algorithm>
#include <cstring>

#include "sluice/base/digest.h"

namespace sluice::experiment {
namespace {

/// The first sixteen bytes of the SHA-256 of purpose and salt. `purpose` gives a layer and an experiment with the same
/// salt different keys.
SipKey key_of(std::string_view purpose, const std::string& salt) {
  const Digest digest = sha256(std::string(purpose) + salt);
  const auto word = [&](std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value |= std::uint64_t{digest.bytes[at + i]} << (8 * i);
    return value;
  };
  return {word(0), word(8)};
}

/// Moves as few buckets as possible from one step to the next: arms that shrink release their highest buckets, and arms
/// that grow take the lowest released ones, in the arms' order. Before the first step the champion has all buckets.
void move_buckets(const std::vector<std::int64_t>& shares, std::vector<std::uint8_t>& table) {
  std::vector<std::int64_t> have(shares.size());
  for (const std::uint8_t arm : table) ++have[arm];
  std::vector<std::size_t> free;
  for (std::size_t bucket = table.size(); bucket-- > 0;) {
    const std::uint8_t arm = table[bucket];
    if (have[arm] <= shares[arm]) continue;
    --have[arm];
    free.push_back(bucket);
  }
  for (std::size_t arm = 0; arm < shares.size(); ++arm)
    for (; have[arm] < shares[arm]; ++have[arm]) {
      table[free.back()] = static_cast<std::uint8_t>(arm);
      free.pop_back();
    }
}

std::size_t bucket_of(SipKey key, std::string_view text) {
  return static_cast<std::size_t>(siphash(key, text) % static_cast<std::uint64_t>(kBuckets));
}

}  // namespace

const char* to_string(ChallengerKind kind) {
  switch (kind) {
    case ChallengerKind::policy:
      return "policy";
    case ChallengerKind::rules:
      return "rules";
    case ChallengerKind::bundle:
      return "bundle";
  }
  return "?";
}

std::size_t Experiment::step_at(std::int64_t now_us) const {
  std::size_t step = steps.size() - 1;
  while (step > 0 && now_us < steps[step].from_us) --step;
  return step;
}

ExperimentPlan::ExperimentPlan(std::int64_t version, std::vector<Layer> layers, std::vector<Experiment> experiments)
    : version_(version), layers_(std::move(layers)), experiments_(std::move(experiments)) {
  for (const Layer& layer : layers_) {
    layer_keys_.push_back(key_of("layer:", layer.salt));
    owners_.emplace_back(kBuckets, kNobody);
  }
  for (std::size_t e = 0; e < experiments_.size(); ++e) {
    const Experiment& experiment = experiments_[e];
    arm_keys_.push_back(key_of("arm:", experiment.salt));
    auto& owners = owners_[experiment.layer];
    std::fill(owners.begin() + experiment.first_bucket, owners.begin() + experiment.end_bucket,
              static_cast<std::uint16_t>(e));
    auto& tables = tables_.emplace_back();
    std::vector<std::uint8_t> table(kBuckets, 0);
    for (const RampStep& step : experiment.steps) {
      move_buckets(step.shares, table);
      tables.push_back(table);
    }
  }
}

std::optional<std::size_t> ExperimentPlan::find(std::string_view experiment) const {
  for (std::size_t e = 0; e < experiments_.size(); ++e)
    if (experiments_[e].name == experiment) return e;
  return std::nullopt;
}

void ExperimentPlan::place(std::size_t layer, std::string_view key, std::int64_t now_us, Assignment& out) const {
  if (key.empty()) return;
  const std::uint16_t e = owners_[layer][bucket_of(layer_keys_[layer], key)];
  if (e == kNobody || !experiments_[e].runs_at(now_us)) return;
  const std::size_t bucket = bucket_of(arm_keys_[e], key);
  out.places_[out.n_++] = {e, tables_[e][experiments_[e].step_at(now_us)][bucket], experiments_[e].shadow.has_value()};
}

Assignment ExperimentPlan::assign(std::span<const std::string_view> keys, std::int64_t now_us) const {
  Assignment assignment;
  for (std::size_t layer = 0; layer < std::min(keys.size(), layers_.size()); ++layer)
    place(layer, keys[layer], now_us, assignment);
  return assignment;
}

Assignment ExperimentPlan::assign(std::string_view key, std::int64_t now_us) const {
  Assignment assignment;
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) place(layer, key, now_us, assignment);
  return assignment;
}

void append_arm_text(std::string& out, const ExperimentPlan& plan, const Assignment& assignment) {
  bool is_first = true;
  for (const auto& place : assignment.places()) {
    const Experiment& experiment = plan.experiments()[place.experiment];
    if (!is_first) out += ' ';
    is_first = false;
    out.append(experiment.name).append(1, '/').append(experiment.arms[place.arm].name);
  }
}

std::string arm_text(const ExperimentPlan& plan, const Assignment& assignment) {
  std::string text;
  append_arm_text(text, plan, assignment);
  return text;
}

std::optional<ArmName> take_arm_name(std::string_view& text) {
  const std::string_view name = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), name.size() + 1));
  const std::size_t slash = name.find('/');
  if (slash != std::string_view::npos && slash > 0 && slash + 1 < name.size())
    return ArmName{name.substr(0, slash), name.substr(slash + 1)};
  text = {};
  return std::nullopt;
}

}  // namespace sluice::experiment
