#pragma once
/// Another engine that decides copies of requests, on a thread of its own: its answers act on nothing, and no request
/// waits for it. What it has no room for is dropped and counted.

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "sluice/cascade/engine.h"

namespace sluice::cascade {

struct ShadowPair {
  RowView row;  // the request's, with the late columns that were fetched for it
  Decision served, shadow;
  float served_us = 0, shadow_us = 0;  // what `decide` took; 0 where the caller did not measure it
  std::string_view context;            // the caller's
};

class Shadow {
 public:
  /// Called on the shadow's thread, one pair at a time. What it throws is dropped.
  using Sink = std::function<void(const ShadowPair&)>;

  /// `queue_limit` requests may wait, from 1.
  Shadow(std::shared_ptr<const Engine> engine, std::size_t queue_limit, Sink sink);
  /// Waits for the request that is being decided; those that wait are dropped.
  ~Shadow();
  Shadow(const Shadow&) = delete;
  Shadow& operator=(const Shadow&) = delete;

  /// Copies the request. False where it was dropped: the queue is full, or another thread is at it. Never blocks.
  bool offer(const Request& request, const Decision& served, float served_us = 0,
             std::string_view context = {}) noexcept;

  std::uint64_t n_dropped() const;
  void drain();  // waits until every request taken so far has been decided
  const Engine& engine() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::cascade
