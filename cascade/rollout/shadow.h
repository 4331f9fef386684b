#pragma once
/// A second engine that decides copies of requests on a dedicated thread. Its answers have no effect, and no request
/// waits for it. Requests that find no room in its queue are dropped and counted.
///
/// Thread-safety: all calls are thread-safe; offer() never blocks.

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "sluice/cascade/engine.h"

namespace sluice::cascade {

struct ShadowPair {
  RowView row;  // the request's, with its fetched late columns
  Decision served, shadow;
  float served_us = 0, shadow_us = 0;  // time of `decide`; served_us is 0 if the caller did not measure it
  std::string_view context;            // the caller's
};

class Shadow {
 public:
  /// Called on the shadow's thread, one pair at a time. Exceptions are ignored.
  using Sink = std::function<void(const ShadowPair&)>;

  /// At most `queue_limit` requests wait. Throws Error{shadow.queue} if it is 0.
  Shadow(std::shared_ptr<const Engine> engine, std::size_t queue_limit, Sink sink);
  /// Waits for the request that is being decided; drops those in the queue.
  ~Shadow();
  Shadow(const Shadow&) = delete;
  Shadow& operator=(const Shadow&) = delete;

  /// Copies the request. Returns false if it was dropped: the queue is full or locked by another thread, or the row
  /// does not have the schema's columns. Never blocks.
  bool offer(const Request& request, const Decision& served, float served_us = 0,
             std::string_view context = {}) noexcept;

  std::uint64_t n_dropped() const;
  void drain();  // waits until the queue is empty and no request is being decided
  const Engine& engine() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::cascade
