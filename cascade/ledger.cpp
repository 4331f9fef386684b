#include "sluice/cascade/ledger.h"

#include <functional>
#include <thread>

#include "sluice/base/json_text.h"

namespace sluice::cascade {
namespace {

static_assert(static_cast<std::size_t>(Cause::rules_undecided) + 1 == kCauseCount);

}  // namespace

Ledger::Shard& Ledger::mine() { return shards_[std::hash<std::thread::id>{}(std::this_thread::get_id()) % kShards]; }

void Ledger::decide(const Decision& d, bool late) {
  Shard& shard = mine();
  if (late) shard.late.fetch_add(1, std::memory_order_relaxed);
  shard.causes[static_cast<std::size_t>(d.cause)].fetch_add(1, std::memory_order_relaxed);
  // Last, with release order: a reader that sees the decision also sees the arrival.
  shard.decided[static_cast<std::size_t>(d.level)][static_cast<std::size_t>(d.action)].fetch_add(
      1, std::memory_order_release);
}

Ledger::Counts Ledger::counts() const {
  Counts counts;
  for (const Shard& shard : shards_) {
    for (std::size_t level = 0; level < kLevelCount; ++level)
      for (std::size_t action = 0; action < kActionCount; ++action) {
        const std::uint64_t n = shard.decided[level][action].load(std::memory_order_acquire);
        counts.levels[level] += n;
        counts.actions[action] += n;
      }
    for (std::size_t cause = 0; cause < kCauseCount; ++cause)
      counts.causes[cause] += shard.causes[cause].load(std::memory_order_relaxed);
    counts.late += shard.late.load(std::memory_order_relaxed);
  }
  for (const Shard& shard : shards_) counts.in += shard.in.load(std::memory_order_relaxed);
  return counts;
}

std::string Ledger::Counts::to_json() const {
  std::string out;
  JsonText json(out);
  json.open('{').field("in", in).field("under_way", under_way()).field("late", late).key("levels").open('{');
  for (std::size_t level = 0; level < kLevelCount; ++level)
    json.field(to_string(static_cast<Level>(level)), levels[level]);
  json.close('}').key("actions").open('{');
  for (std::size_t action = 1; action < kActionCount; ++action)
    json.field(rules::to_string(static_cast<Action>(action)), actions[action]);
  json.close('}').key("causes").open('{');
  for (std::size_t cause = 1; cause < kCauseCount; ++cause)
    json.field(to_string(static_cast<Cause>(cause)), causes[cause]);
  json.close('}').close('}');
  return out;
}

}  // namespace sluice::cascade
