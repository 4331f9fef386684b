#pragma once
/// Counts the requests that arrived and how they were decided: in = L0 + L1 + L2 + L3 while no request is under way,
/// and never less.
///
/// Thread-safety: all calls are thread-safe and lock-free. To count is one addition to a cell that few threads share.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "sluice/cascade/decision.h"

namespace sluice::cascade {

inline constexpr std::size_t kLevelCount = 4, kActionCount = 4, kCauseCount = 18;

class Ledger {
 public:
  struct Counts {
    std::uint64_t in = 0;                             // requests that arrived
    std::array<std::uint64_t, kLevelCount> levels{};  // decided, by level
    std::array<std::uint64_t, kActionCount> actions{};
    std::array<std::uint64_t, kCauseCount> causes{};  // [0] counts decisions at L0
    std::uint64_t late = 0;                           // decided after their deadline

    std::uint64_t decided() const { return levels[0] + levels[1] + levels[2] + levels[3]; }
    std::uint64_t under_way() const { return in - decided(); }
    std::uint64_t degraded() const { return decided() - levels[0]; }
    std::string to_json() const;  // one object
  };

  void arrive(std::uint64_t n = 1) { mine().in.fetch_add(n, std::memory_order_relaxed); }
  void decide(const Decision& decision, bool late = false);

  /// Reads the decisions before the arrivals, so that `under_way` is never negative.
  Counts counts() const;

 private:
  static constexpr std::size_t kShards = 16;
  using Cell = std::atomic<std::uint64_t>;
  struct alignas(64) Shard {
    Cell in = 0, late = 0;
    std::array<std::array<Cell, kActionCount>, kLevelCount> decided{};
    std::array<Cell, kCauseCount> causes{};
  };
  Shard& mine();

  std::array<Shard, kShards> shards_;
};

}  // namespace sluice::cascade
