#pragma once
/// Gathers the rows of many callers into batches, for a device that is faster on large batches.
///
/// A worker ships a batch as soon as the waiting rows are a full batch or a preferred one, and otherwise once the
/// oldest has waited for `max_delay` (the dynamic batcher of NVIDIA's Triton). Requests are shipped whole, in order of
/// arrival. Margins are those of Executor::forward for the same rows: other requests in the batch change no bit.
///
/// Every call is answered once, with a status; only a wrong shape is an exception. A call allocates nothing, except for
/// the cause of a failure.
/// Thread-safety: all calls are thread-safe.

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
  std::vector<std::size_t> preferred;        // batch sizes to ship without delay, each up to max_batch
  std::chrono::microseconds max_delay{200};  // up to an hour
  std::size_t queue_limit = 4096;            // maximum number of waiting rows
  std::size_t n_workers = 1;                 // concurrent batches on the device
};

enum class BatchStatus {
  done,
  late,    // its deadline passed before it was answered
  full,    // queue_limit rows were waiting
  failed,  // the executor threw; `cause` has the reason
  closed,  // the batcher was closed before it shipped
};

struct BatchAnswer {
  BatchStatus status = BatchStatus::done;
  std::string_view device;  // the device that served it, if done
  std::string cause;        // "device.lost: ...", if failed
};

struct BatcherCounters {
  std::uint64_t done = 0, late = 0, full = 0, failed = 0, closed = 0;  // requests, by status
  std::uint64_t batches = 0, batch_rows = 0;                           // that were shipped
  std::uint64_t waiting_rows = 0;                                      // at present
};

class Batcher {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr Clock::time_point kNoDeadline = Clock::time_point::max();

  /// Throws Error{batcher.options} for an invalid batch, queue or preferred size, and for an executor with several
  /// outputs. `n_encoded`: inputs per row.
  Batcher(std::shared_ptr<const Executor> executor, std::size_t n_encoded, const BatcherOptions& options = {});
  /// Closes, and waits for the batches that the executor is still computing.
  ~Batcher();
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  /// Waits for the answer until the deadline at most, even if the executor hangs. Writes `margins` [n_rows] if the
  /// status is `done` and nothing otherwise; neither view is used after the return. A process forked from the one that
  /// made the batcher has no workers: the status is `failed`. Throws Error{shape} if rows have the wrong width, or if
  /// there are none or more than a batch.
  BatchAnswer score(BatchView encoded, std::span<float> margins, Clock::time_point deadline = kNoDeadline);

  /// Answers waiting and later requests with `closed`; shipped requests are answered when the executor returns.
  void close();

  BatcherCounters counters() const;

 private:
  void end();

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::dnn
