#pragma once
/// What an observer knows about a customer or a terminal: sums over windows of the past. Not installed.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::io {

struct Sums {
  std::uint32_t n = 0, n_frauds = 0;
  std::uint64_t cents = 0;

  Sums operator-(const Sums& o) const { return {n - o.n, n_frauds - o.n_frauds, cents - o.cents}; }
};

/// Running totals with one cursor for each age in `Ages` (seconds, ascending): a window is the difference of two
/// totals. Times must not decrease. Keeps entries younger than the last age. Not thread-safe.
template <std::size_t N>
class History {
 public:
  /// The sum of all entries so far.
  Sums all() const { return entries_.empty() ? forgotten_ : entries_.back().sums; }

  /// For each age, the sum of the entries at or before `now` minus that age.
  std::array<Sums, N> until(std::int64_t now, const std::array<std::int64_t, N>& ages) {
    std::array<Sums, N> sums;
    for (std::size_t i = 0; i < N; ++i) {
      auto& cursor = cursors_[i];
      while (cursor < entries_.size() && entries_[cursor].time <= now - ages[i]) ++cursor;
      sums[i] = cursor > 0 ? entries_[cursor - 1].sums : forgotten_;
    }
    forget();
    return sums;
  }

  void add(std::int64_t time, std::uint32_t cents, bool is_fraud) {
    Sums sums = all();
    sums.n += 1;
    sums.n_frauds += is_fraud;
    sums.cents += cents;
    entries_.push_back({time, sums});
  }

 private:
  struct Entry {
    std::int64_t time;
    Sums sums;
  };

  void forget() {
    const std::size_t n_old = cursors_[N - 1];
    if (n_old < 32 || n_old * 2 < entries_.size()) return;
    forgotten_ = entries_[n_old - 1].sums;
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(n_old));
    for (auto& cursor : cursors_) cursor -= n_old;
  }

  std::vector<Entry> entries_;
  std::array<std::size_t, N> cursors_{};
  Sums forgotten_;
};

}  // namespace sluice::io
