#include "sluice/audit/replay/redecide.h"

#include "sluice/base/error.h"

namespace sluice::audit {

using cascade::Decision;

namespace {

/// The record contains the original effect of load limits and isolation; they must not act again.
std::shared_ptr<const cascade::Bundle> without_limits(const cascade::Bundle& bundle) {
  auto copy = std::make_shared<cascade::Bundle>(bundle);
  copy->policy.load = {};
  copy->policy.isolation = {};
  return copy;
}

}  // namespace

Stored::Stored(std::uint64_t entry, std::string_view payload) : index(entry) {
  const RecordParts parts = split(payload);
  head = decode_head(parts.head);
  inputs = decode_inputs(parts.inputs);
  outcome = decode_outcome(parts.outcome);
  outcome_bytes = parts.outcome;
}

Redecider::Redecider(const cascade::Bundle& bundle, const ReplayOptions& options)
    : pool_(options.pool), reasons_(options.reasons), bundle_(without_limits(bundle)), rows_(bundle_->schema.size()) {
  // The record contains the original effect of breakers; this one never opens (a failure rate of 2 is impossible).
  stages_.network_breaker = std::make_shared<cascade::Breaker>(cascade::BreakerOptions{.failure_rate = 2});
  stages_.forest_breaker = stages_.network_breaker;
  if (options.kernel != gbdt::Kernel::automatic) stages_.forest = make_kernel_stage(*bundle_, options.kernel);
  engine_ = std::make_unique<cascade::Engine>(bundle_, stages_);
}

std::span<const Decision> Redecider::decide(std::span<const Stored> batch) {
  for (const Stored& stored : batch)
    if (stored.inputs.row.size() != bundle_->schema.size())
      throw Error("replay.width",
                  "entry " + std::to_string(stored.index) + " has " + std::to_string(stored.inputs.row.size()) +
                      " columns; the bundle has " + std::to_string(bundle_->schema.size()),
                  "use the bundle that decided: sha256:" + stored.head.bundle.hex());
  decisions_.assign(batch.size(), {});
  decide_plain(batch);
  decide_others(batch);
  return decisions_;
}

void Redecider::decide_plain(std::span<const Stored> batch) {
  std::vector<std::size_t> places;
  std::vector<std::int64_t> now_us;
  rows_.clear();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!is_plain(batch[i].outcome, batch[i].inputs)) continue;
    rows_.append(RowView(batch[i].inputs.row));
    now_us.push_back(batch[i].head.time_in_us);
    places.push_back(i);
  }
  std::vector<Decision> plain(places.size());
  engine_->decide_batch(rows_.view(), plain, pool_, now_us);
  for (std::size_t k = 0; k < places.size(); ++k) decisions_[places[k]] = plain[k];
}

void Redecider::decide_others(std::span<const Stored> batch) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < batch.size(); ++i)
    if (!is_plain(batch[i].outcome, batch[i].inputs)) places.push_back(i);
  if (places.empty()) return;
  if (!faults_) faults_ = std::make_unique<FaultEngines>(bundle_, stages_);
  const auto work = [&](std::size_t k) {
    const Stored& stored = batch[places[k]];
    decisions_[places[k]] = faults_->decide(stored.outcome, stored.inputs, stored.head.time_in_us);
  };
  if (pool_) return pool_->run(places.size(), work);
  for (std::size_t k = 0; k < places.size(); ++k) work(k);
}

std::string Redecider::difference(const Stored& stored, const Decision& decision) {
  now_.clear();
  const auto& then = stored.outcome.reasons;
  const bool is_again = reasons_ && !then.empty();
  encode_outcome(now_, *bundle_, decision, is_again ? reasons_(RowView(stored.inputs.row), decision) : then);
  return now_ == stored.outcome_bytes ? "" : audit::difference(stored.outcome, decode_outcome(now_));
}

}  // namespace sluice::audit
