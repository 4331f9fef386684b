#include "sluice/dnn/batcher.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/thread_pool.h"

namespace sluice::dnn {
namespace {

using Clock = Batcher::Clock;

struct Seat;

/// A caller's request, on its stack. The batcher's mutex protects all of it; it leaves the queue, or its batch, before
/// the caller returns.
struct Request {
  BatchView encoded;
  std::span<float> margins;
  Clock::time_point deadline;
  Clock::time_point came = Clock::now();
  Request *before = nullptr, *behind = nullptr;  // in the queue
  Seat* seat = nullptr;                          // in a batch
  bool is_answered = false;
  BatchAnswer answer;
  std::condition_variable answered;
};

/// A request's place in a batch.
struct Seat {
  Request* request = nullptr;  // null: its caller did not wait for the end
  std::size_t first_row = 0;
};

/// First in, first out; any request may leave. Linked through the requests, so that nothing is allocated.
class Queue {
 public:
  Request* front() const { return first_; }
  std::size_t n_rows() const { return n_rows_; }

  void push(Request& request) {
    request.before = last_;
    (last_ ? last_->behind : first_) = &request;
    last_ = &request;
    n_rows_ += request.encoded.n_rows;
  }
  void remove(Request& request) {
    (request.before ? request.before->behind : first_) = request.behind;
    (request.behind ? request.behind->before : last_) = request.before;
    n_rows_ -= request.encoded.n_rows;
  }

 private:
  Request *first_ = nullptr, *last_ = nullptr;
  std::size_t n_rows_ = 0;
};

/// A worker's state on the device: rows of its own, so that no caller's memory is read after the lock is released.
struct Batch {
  Batch(std::size_t n_encoded, std::size_t max_rows) : rows(n_encoded, max_rows), margins(max_rows), seats(max_rows) {}

  void clear() { n_seats = n_rows = 0; }
  void add(Request& request) {
    seats[n_seats] = {&request, n_rows};
    request.seat = &seats[n_seats++];
    for (std::size_t i = 0; i < request.encoded.n_rows; ++i) {
      const auto row = request.encoded.row(i);
      std::copy(row.begin(), row.end(), rows.row(n_rows++).begin());
    }
  }

  FloatTable rows;
  std::vector<float> margins;
  std::vector<Seat> seats;
  std::size_t n_seats = 0, n_rows = 0;
};

BatcherOptions checked(BatcherOptions options) {
  std::sort(options.preferred.begin(), options.preferred.end());
  if (options.max_batch < 1 || options.queue_limit < 1 || options.n_workers < 1 || options.max_delay.count() < 0 ||
      options.max_delay > std::chrono::hours(1) ||
      (!options.preferred.empty() && (options.preferred.front() < 1 || options.preferred.back() > options.max_batch)))
    throw Error(
        "batcher.options",
        "batches, queues and workers must be at least 1, delays at most an hour, and preferred batches at most " +
            std::to_string(options.max_batch) + " rows");
  return options;
}

}  // namespace

struct Batcher::State {
  State(std::shared_ptr<const Executor> e, std::size_t n, const BatcherOptions& o)
      : executor(std::move(e)), n_encoded(n), options(checked(o)) {}

  void work();
  std::size_t rows_to_ship(Clock::time_point now) const;
  void take(Batch& batch, std::size_t n_rows, Clock::time_point now);
  std::string run(Batch& batch) const;
  void finish(Batch& batch, const std::string& cause);
  void answer(Request& request, BatchStatus status);
  BatchAnswer counted(BatchAnswer answer);

  const std::shared_ptr<const Executor> executor;
  const std::size_t n_encoded;
  const BatcherOptions options;
  const pid_t process = getpid();

  mutable std::mutex mutex;
  std::condition_variable came;  // a request, or the end
  Queue queue;
  BatcherCounters counters;
  bool is_closed = false;
  std::vector<std::thread> workers;
};

// 0: continue to wait

std::size_t Batcher::State::rows_to_ship(Clock::time_point now) const {
  if (queue.n_rows() >= options.max_batch) return options.max_batch;
  const auto larger = std::upper_bound(options.preferred.begin(), options.preferred.end(), queue.n_rows());
  if (larger != options.preferred.begin()) return *std::prev(larger);
  return queue.front()->came + options.max_delay <= now ? queue.n_rows() : 0;
}

/// The oldest requests, whole, up to `n_rows` rows. No request has more rows than a batch; if the first has more than
/// `n_rows`, it is taken alone.
void Batcher::State::take(Batch& batch, std::size_t n_rows, Clock::time_point now) {
  batch.clear();
  while (Request* request = queue.front()) {
    const bool is_late = request->deadline <= now;
    if (!is_late && batch.n_rows > 0 && batch.n_rows + request->encoded.n_rows > n_rows) break;
    queue.remove(*request);
    if (is_late)
      answer(*request, BatchStatus::late);
    else
      batch.add(*request);
  }
  counters.batches += batch.n_rows > 0 ? 1 : 0;
  counters.batch_rows += batch.n_rows;
}

/// Why the executor failed; empty if it did not.
std::string Batcher::State::run(Batch& batch) const {
  try {
    executor->forward(batch.rows.view().slice(0, batch.n_rows), batch.margins);
  } catch (const Error& error) {
    return error.code() + ": " + error.message();
  } catch (const std::exception& error) {
    return std::string("exception: ") + error.what();
  } catch (...) {
    return "exception: of unknown type";
  }
  return {};
}

void Batcher::State::finish(Batch& batch, const std::string& cause) {
  for (std::size_t i = 0; i < batch.n_seats; ++i) {
    const Seat& seat = batch.seats[i];
    if (!seat.request) continue;
    Request& request = *seat.request;
    request.answer.cause = cause;
    if (cause.empty()) {
      std::copy_n(&batch.margins[seat.first_row], request.encoded.n_rows, request.margins.begin());
      request.answer.device = executor->device_for(batch.n_rows);
    }
    answer(request, cause.empty() ? BatchStatus::done : BatchStatus::failed);
  }
}

void Batcher::State::work() {
  Batch batch(n_encoded, options.max_batch);
  std::unique_lock lock(mutex);
  while (true) {
    came.wait(lock, [&] { return is_closed || queue.front(); });
    if (is_closed) return;
    const auto now = Clock::now();
    const std::size_t n_rows = rows_to_ship(now);
    if (n_rows == 0) {
      came.wait_until(lock, queue.front()->came + options.max_delay);
      continue;
    }
    take(batch, n_rows, now);
    if (batch.n_rows == 0) continue;
    if (queue.front()) came.notify_one();  // another worker's
    lock.unlock();
    const std::string cause = run(batch);
    lock.lock();
    finish(batch, cause);
  }
}

void Batcher::State::answer(Request& request, BatchStatus status) {
  request.answer.status = status;
  request.is_answered = true;
  // Under the lock: the caller may reuse the request once it has the lock.
  request.answered.notify_one();
}

BatchAnswer Batcher::State::counted(BatchAnswer answer) {
  std::uint64_t* counts[] = {&counters.done, &counters.late, &counters.full, &counters.failed, &counters.closed};
  ++*counts[static_cast<std::size_t>(answer.status)];
  return answer;
}

Batcher::Batcher(std::shared_ptr<const Executor> executor, std::size_t n_encoded, const BatcherOptions& options)
    : state_(std::make_unique<State>(std::move(executor), n_encoded, options)) {
  if (state_->executor->n_outputs() != 1)
    throw Error("batcher.options", "a batcher needs a network with one output; this one has " +
                                       std::to_string(state_->executor->n_outputs()) + " outputs");
  try {
    for (std::size_t i = 0; i < state_->options.n_workers; ++i)
      state_->workers.emplace_back([state = state_.get()] { state->work(); });
  } catch (const std::system_error&) {
    end();
    fail_to_start("the batcher");
  }
}

void Batcher::end() {
  close();
  for (auto& worker : state_->workers) worker.join();
}

Batcher::~Batcher() {
  if (getpid() != state_->process) {
    // Its threads belong to the other process: this one can neither end them nor wait.
    (void)state_.release();
    return;
  }
  end();
}

BatchAnswer Batcher::score(BatchView encoded, std::span<float> margins, Clock::time_point deadline) {
  State& s = *state_;
  if (encoded.n_columns != s.n_encoded || encoded.n_rows < 1 || encoded.n_rows > s.options.max_batch ||
      margins.size() < encoded.n_rows)
    throw Error("shape", "a request must have 1 to " + std::to_string(s.options.max_batch) + " rows of " +
                             std::to_string(s.n_encoded) + " encoded inputs, and one margin for each row");
  if (getpid() != s.process)
    return {.status = BatchStatus::failed,
            .cause = "device.forked: the batcher belongs to the parent process of this fork"};
  Request request{.encoded = encoded, .margins = margins, .deadline = deadline};
  std::unique_lock lock(s.mutex);
  if (s.is_closed) return s.counted({.status = BatchStatus::closed});
  if (s.queue.n_rows() + encoded.n_rows > s.options.queue_limit) return s.counted({.status = BatchStatus::full});
  s.queue.push(request);
  s.came.notify_one();
  const auto is_answered = [&] { return request.is_answered; };
  if (deadline == kNoDeadline) {
    request.answered.wait(lock, is_answered);
  } else if (!request.answered.wait_until(lock, deadline, is_answered)) {
    if (request.seat)
      request.seat->request = nullptr;
    else
      s.queue.remove(request);
    request.answer.status = BatchStatus::late;
  }
  return s.counted(std::move(request.answer));
}

void Batcher::close() {
  const std::scoped_lock lock(state_->mutex);
  state_->is_closed = true;
  while (Request* request = state_->queue.front()) {
    state_->queue.remove(*request);
    state_->answer(*request, BatchStatus::closed);
  }
  state_->came.notify_all();
}

BatcherCounters Batcher::counters() const {
  const std::scoped_lock lock(state_->mutex);
  BatcherCounters counters = state_->counters;
  counters.waiting_rows = state_->queue.n_rows();
  return counters;
}

}  // namespace sluice::dnn
