#include "sluice/audit/replay.h"

#include <algorithm>
#include <utility>

#include "sluice/audit/decide_twice.h"
#include "sluice/audit/log/log_reader.h"
#include "sluice/audit/replay/redecide.h"

namespace sluice::audit {
namespace {

class Replay {
 public:
  /// `other`: the second bundle; null if there is one only.
  Replay(const cascade::Bundle& bundle, const cascade::Bundle* other, const ReplayOptions& options,
         std::function<void(const DecidedTwice&)> visit)
      : options_(options), first_(bundle, options), visit_(std::move(visit)) {
    if (other) second_.emplace(*other, options);
  }

  void add(std::uint64_t index, std::string_view payload) {
    const Stored& stored = batch_.emplace_back(index, payload);
    const bool is_other = stored.head.bundle != first_.bundle().digest;
    report_.n_other_bundle += is_other;
    if (is_other && options_.only_this_bundle) return batch_.pop_back();
    if (batch_.size() >= std::max<std::size_t>(1, options_.batch)) decide();
  }

  void decide() {
    const auto now = first_.decide(batch_);
    for (std::size_t i = 0; i < batch_.size(); ++i) compare(batch_[i], now[i]);
    if (second_) {
      const auto then = second_->decide(batch_);
      for (std::size_t i = 0; i < batch_.size(); ++i)
        visit_({batch_[i].index, batch_[i].head, batch_[i].inputs, now[i], then[i]});
    }
    batch_.clear();
    sluice::report(options_.progress, "replaying", report_.n_records, 0);
  }

  void count_erased() { ++report_.n_erased; }
  ReplayReport take_report() { return std::move(report_); }

 private:
  void compare(const Stored& stored, const cascade::Decision& decision) {
    ++report_.n_records;
    std::string what = first_.difference(stored, decision);
    if (what.empty()) return;
    if (report_.n_different++ < options_.max_differences)
      report_.differences.push_back({stored.index, stored.head.id, std::move(what)});
  }

  const ReplayOptions& options_;
  Redecider first_;
  std::optional<Redecider> second_;
  std::function<void(const DecidedTwice&)> visit_;
  std::vector<Stored> batch_;
  ReplayReport report_;
};

ReplayReport replay_all(const std::filesystem::path& folder, Replay&& replay) {
  LogReader reader(folder);
  PayloadReader payloads(folder);
  for (EntryView entry; reader.next(entry);) {
    if (entry.header.kind != EntryKind::decision) continue;
    if (const auto payload = payloads.read(entry))
      replay.add(entry.header.index, *payload);
    else
      replay.count_erased();
  }
  reader.require_sound();
  replay.decide();
  return replay.take_report();
}

}  // namespace

ReplayReport replay(const std::filesystem::path& folder, std::shared_ptr<const cascade::Bundle> bundle,
                    const ReplayOptions& options) {
  return replay_all(folder, Replay(*bundle, nullptr, options, {}));
}

ReplayReport decide_twice(const std::filesystem::path& folder, std::shared_ptr<const cascade::Bundle> before,
                          std::shared_ptr<const cascade::Bundle> after,
                          const std::function<void(const DecidedTwice&)>& visit, const ReplayOptions& options) {
  return replay_all(folder, Replay(*before, after.get(), options, visit));
}

}  // namespace sluice::audit
