#include "sluice/audit/replay.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sluice/audit/log_reader.h"
#include "sluice/audit/replay_stages.h"
#include "sluice/base/error.h"

namespace sluice::audit {
namespace {

using cascade::Decision;

/// One record of a batch, as it was stored.
struct Stored {
  std::uint64_t index = 0;
  RecordHead head;
  RecordInputs inputs;
  RecordOutcome outcome;
  std::string outcome_bytes;
};

/// What limits and threads kept from a stage then is said by the record, and is not to happen by itself.
std::shared_ptr<const cascade::Bundle> without_limits(const cascade::Bundle& bundle) {
  auto copy = std::make_shared<cascade::Bundle>(bundle);
  copy->policy.load = {};
  copy->policy.isolation = {};
  return copy;
}

class Replay {
 public:
  Replay(const cascade::Bundle& bundle, const ReplayOptions& options)
      : options_(options), bundle_(without_limits(bundle)), rows_(bundle_->schema.size()) {
    // What a breaker kept from the network then is said by the record.
    stages_.breaker = std::make_shared<cascade::Breaker>(cascade::BreakerOptions{.failure_rate = 2});
    stages_.forest_breaker = stages_.breaker;
    if (options.kernel != gbdt::Kernel::automatic) stages_.forest = make_kernel_stage(*bundle_, options.kernel);
    engine_ = std::make_unique<cascade::Engine>(bundle_, stages_);
  }

  void add(std::uint64_t index, std::string_view payload) {
    const RecordParts parts = split(payload);
    RecordHead head = decode_head(parts.head);
    const bool is_other = head.bundle != bundle_->digest;
    report_.n_other_bundle += is_other;
    if (is_other && options_.only_this_bundle) return;
    Stored& stored = batch_.emplace_back();
    stored.index = index;
    stored.head = std::move(head);
    stored.inputs = decode_inputs(parts.inputs);
    stored.outcome = decode_outcome(parts.outcome);
    stored.outcome_bytes = parts.outcome;
    if (stored.inputs.row.size() != bundle_->schema.size())
      throw Error("replay.width",
                  "entry " + std::to_string(index) + " has " + std::to_string(stored.inputs.row.size()) +
                      " columns, the bundle " + std::to_string(bundle_->schema.size()),
                  "give the bundle that decided: sha256:" + stored.head.bundle.hex());
    if (batch_.size() >= std::max<std::size_t>(1, options_.batch)) decide();
  }

  void decide() {
    decide_plain();
    decide_others();
    for (std::size_t i = 0; i < batch_.size(); ++i) compare(batch_[i], decisions_[i]);
    batch_.clear();
  }

  void count_erased() { ++report_.n_erased; }
  ReplayReport report() { return std::move(report_); }

 private:
  void decide_plain() {
    std::vector<std::size_t> places;
    std::vector<std::int64_t> now_us;
    rows_.clear();
    decisions_.resize(batch_.size());
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      if (!is_plain(batch_[i].outcome, batch_[i].inputs)) continue;
      rows_.append(RowView(batch_[i].inputs.row));
      now_us.push_back(batch_[i].head.time_in_us);
      places.push_back(i);
    }
    std::vector<Decision> plain(places.size());
    engine_->decide_batch(rows_.view(), plain, options_.pool, now_us);
    for (std::size_t k = 0; k < places.size(); ++k) decisions_[places[k]] = plain[k];
  }

  void decide_others() {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < batch_.size(); ++i)
      if (!is_plain(batch_[i].outcome, batch_[i].inputs)) places.push_back(i);
    if (places.empty()) return;
    if (!faults_) faults_ = std::make_unique<FaultEngines>(bundle_, stages_);
    const auto work = [&](std::size_t k) {
      decisions_[places[k]] =
          faults_->decide(batch_[places[k]].outcome, batch_[places[k]].inputs, batch_[places[k]].head.time_in_us);
    };
    if (options_.pool) return options_.pool->run(places.size(), work);
    for (std::size_t k = 0; k < places.size(); ++k) work(k);
  }

  void compare(const Stored& stored, const Decision& decision) {
    ++report_.n_records;
    now_.clear();
    encode_outcome(now_, *bundle_, decision, stored.outcome.reasons);
    if (now_ == stored.outcome_bytes) return;
    std::string what = difference(stored.outcome, decode_outcome(now_));
    if (what.empty()) return;  // only the device's name
    if (report_.n_different++ < options_.max_differences)
      report_.differences.push_back({stored.index, stored.head.id, std::move(what)});
  }

  const ReplayOptions& options_;
  std::shared_ptr<const cascade::Bundle> bundle_;
  cascade::EngineOptions stages_;
  std::unique_ptr<cascade::Engine> engine_;
  std::unique_ptr<FaultEngines> faults_;  // made when a record needs them
  std::vector<Stored> batch_;
  Table rows_;
  std::vector<Decision> decisions_;
  std::string now_;
  ReplayReport report_;
};

}  // namespace

ReplayReport replay(const std::filesystem::path& folder, std::shared_ptr<const cascade::Bundle> bundle,
                    const ReplayOptions& options) {
  LogReader reader(folder);
  PayloadReader payloads(folder);
  Replay replay(*bundle, options);
  for (EntryView entry; reader.next(entry);) {
    if (entry.header.kind != EntryKind::decision) continue;
    if (const auto payload = payloads.read(entry))
      replay.add(entry.header.index, *payload);
    else
      replay.count_erased();
  }
  reader.require_sound();
  replay.decide();
  return replay.report();
}

}  // namespace sluice::audit
