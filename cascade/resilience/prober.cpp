#include "sluice/cascade/resilience/prober.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::cascade {

std::int64_t steady_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Shared with the thread, which may outlive the prober while a probe hangs.
struct Prober::State {
  Probe answers;
  std::shared_ptr<Breaker> breaker;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<double> row;  // the request, while `is_full`
  PrefixMargins forest{};
  bool is_started = false, is_full = false, is_busy = false, is_over = false;

  void run() {
    std::vector<double> mine(row.size());
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return is_full || is_over; });
      if (is_over) return;
      mine.swap(row);
      row.resize(mine.size());
      const PrefixMargins staged = forest;
      is_full = false;
      is_busy = true;
      lock.unlock();
      probe(mine, staged);
      lock.lock();
      is_busy = false;
    }
  }

  void probe(const std::vector<double>& of, const PrefixMargins& staged) const {
    const std::int64_t start = steady_us();
    bool ok = false;
    try {
      ok = answers(RowView(of), staged);
    } catch (...) {
    }
    const std::int64_t end = steady_us();
    breaker->record_probe(ok, end - start, end);
  }
};

Prober::Prober(Probe probe, std::shared_ptr<Breaker> breaker, std::size_t n_columns)
    : state_(std::make_shared<State>()) {
  state_->answers = std::move(probe);
  state_->breaker = std::move(breaker);
  state_->row.resize(n_columns);
}

Prober::~Prober() {
  const std::lock_guard lock(state_->mutex);
  state_->is_over = true;
  state_->changed.notify_all();
}

void Prober::offer(RowView row, const PrefixMargins& forest, std::int64_t now_us) {
  const std::unique_lock lock(state_->mutex, std::try_to_lock);
  if (!lock || state_->is_full || state_->is_busy || !state_->breaker->wants_probe(now_us)) return;
  try {
    if (!state_->is_started) std::thread([state = state_] { state->run(); }).detach();
    state_->is_started = true;
  } catch (...) {
    return state_->breaker->record_probe(false, 0, now_us);
  }
  std::copy(row.begin(), row.end(), state_->row.begin());
  state_->forest = forest;
  state_->is_full = true;
  state_->changed.notify_one();
}

}  // namespace sluice::cascade
