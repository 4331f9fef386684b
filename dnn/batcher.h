#pragma once
/// Gathers the rows of many callers into batches for a device that serves many rows sooner than few.
///
/// A worker ships as soon as the rows waiting are a full batch or a preferred one, and otherwise once the oldest has
/// waited for `max_delay` (the dynamic batcher of NVIDIA's Triton). Requests are shipped whole, in the order in which
/// they came. Margins are those of Executor::forward for the same rows: who else is in the batch changes no bit.
///
/// Every call is answered once, with a status; only a wrong shape is an exception. Thread-safe. A call allocates
/// nothing, but for the cause of a failure.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/dnn/executor.h"

namespace sluice::dnn {

struct BatcherOptions {
  std::size_t max_batch = 64;                // rows of a batch, and of a request
  std::vector<std::size_t> preferred;        // batches worth shipping without delay, each up to max_batch
  std::chrono::microseconds max_delay{200};  // up to an hour
  std::size_t queue_limit = 4096;            // rows that may wait
  std::size_t n_workers = 1;                 // batches on the device at a time
};

enum class BatchStatus {
  done,
  late,    // its deadline passed before it was answered
  full,    // queue_limit rows were waiting
  failed,  // the executor threw; `cause` says what
  closed,  // the batcher was closed before it shipped
};

struct BatchAnswer {
  BatchStatus status = BatchStatus::done;
  std::string_view device;  // that served it; where done
  std::string cause;        // "device.lost: ..."; where failed
};

struct BatcherCounters {
  std::uint64_t done = 0, late = 0, full = 0, failed = 0, closed = 0;  // requests, by their answer
  std::uint64_t batches = 0, batch_rows = 0;                           // that were shipped
  std::uint64_t waiting_rows = 0;                                      // now
};

class Batcher {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr Clock::time_point kNoDeadline = Clock::time_point::max();

  /// Throws Error{batcher.options} for a batch, queue or preferred size that cannot be, and for an executor of several
  /// outputs. `n_encoded`: of a row.
  Batcher(std::shared_ptr<const Executor> executor, std::size_t n_encoded, const BatcherOptions& options = {});
  /// Closes, and waits for the batches that the executor still has.
  ~Batcher();
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  /// Waits for the answer, and not beyond the deadline, even where the executor hangs. Writes `margins` [n_rows] where
  /// done and nothing otherwise; neither view is used after the return. A process forked from the one that made the
  /// batcher has no workers: it is answered `failed`. Throws Error{shape} for rows of another width, none, or more than
  /// a batch.
  BatchAnswer score(BatchView encoded, std::span<float> margins, Clock::time_point deadline = kNoDeadline);

  /// Answers what waits and what comes later with `closed`; what was shipped is answered when the executor returns.
  void close();

  BatcherCounters counters() const;

 private:
  void end();

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::dnn
