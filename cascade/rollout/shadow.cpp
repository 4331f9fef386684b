#include "sluice/cascade/rollout/shadow.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/base/thread_pool.h"

namespace sluice::cascade {
namespace {

using Clock = std::chrono::steady_clock;

struct Copy {
  std::vector<double> row;
  Decision served;
  float served_us = 0;
  std::int64_t now_us = 0;
  std::string context;
};

}  // namespace

struct Shadow::State {
  std::shared_ptr<const Engine> engine;
  Sink sink;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::vector<Copy> places;  // a ring
  std::size_t first = 0, n = 0;
  bool is_busy = false, is_over = false;
  std::atomic<std::uint64_t> n_dropped = 0;
  std::thread thread;

  void run() {
    std::unique_lock lock(mutex);
    Copy mine = places.front();  // has the size of every place
    for (;;) {
      changed.wait(lock, [this] { return n > 0 || is_over; });
      if (is_over) return;
      std::swap(mine, places[first]);
      first = (first + 1) % places.size();
      --n;
      is_busy = true;
      lock.unlock();
      decide(mine);
      lock.lock();
      is_busy = false;
      changed.notify_all();
    }
  }

  void decide(const Copy& copy) const {
    try {
      const auto start = Clock::now();
      const Decision shadow = engine->decide_unrecorded({.row = RowView(copy.row), .now_us = copy.now_us});
      const float us = std::chrono::duration<float, std::micro>(Clock::now() - start).count();
      sink({RowView(copy.row), copy.served, shadow, copy.served_us, us, copy.context});
    } catch (...) {
    }
  }
};

Shadow::Shadow(std::shared_ptr<const Engine> engine, std::size_t queue_limit, Sink sink)
    : state_(std::make_unique<State>()) {
  if (queue_limit < 1) throw Error("shadow.queue", "a shadow's queue needs room for at least one request");
  state_->engine = std::move(engine);
  state_->sink = std::move(sink);
  state_->places.resize(queue_limit);
  for (Copy& place : state_->places) place.row.resize(state_->engine->bundle().schema.size());
  state_->thread = start_thread("the shadow", [this] { state_->run(); });
}

Shadow::~Shadow() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_over = true;
  }
  state_->changed.notify_all();
  state_->thread.join();
}

bool Shadow::offer(const Request& request, const Decision& served, float served_us, std::string_view context) noexcept {
  const std::unique_lock lock(state_->mutex, std::try_to_lock);
  const auto& schema = state_->engine->bundle().schema;
  if (!lock || state_->n == state_->places.size() || request.row.size() != schema.size()) {
    state_->n_dropped.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  Copy& place = state_->places[(state_->first + state_->n) % state_->places.size()];
  try {
    place.context = context;
  } catch (...) {
    state_->n_dropped.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  std::copy(request.row.begin(), request.row.end(), place.row.begin());
  const auto late = schema.late_columns();
  if (served.late_fetched)
    for (std::size_t i = 0; i < late.size(); ++i) place.row[late[i]] = served.late[i];
  place.served = served;
  place.served_us = served_us;
  place.now_us = request.now_us;
  ++state_->n;
  state_->changed.notify_one();
  return true;
}

std::uint64_t Shadow::n_dropped() const { return state_->n_dropped.load(std::memory_order_relaxed); }
const Engine& Shadow::engine() const { return *state_->engine; }

void Shadow::drain() {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [this] { return state_->n == 0 && !state_->is_busy; });
}

}  // namespace sluice::cascade
