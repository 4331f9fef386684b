#include "sluice/dnn/batcher.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "dnn_support.h"
#include "sluice/base/error.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using dnn::BatchStatus;
using Clock = dnn::Batcher::Clock;

/// A margin is the row's first cell, doubled. Records the sizes of its batches; can wait at a gate and can throw.
class FakeExecutor final : public dnn::Executor {
 public:
  void forward(BatchView encoded, std::span<float> margins) const override {
    std::unique_lock lock(mutex_);
    sizes_.push_back(encoded.n_rows);
    changed_.notify_all();
    changed_.wait(lock, [&] { return is_open_; });
    if (is_throwing_) throw Error("device.lost", "pulled out");
    for (std::size_t i = 0; i < encoded.n_rows; ++i) margins[i] = 2 * encoded.row(i)[0];
  }
  std::string_view device() const override { return "fake"; }
  std::string_view kernel() const override { return "fake"; }
  std::string_view device_for(std::size_t n_rows) const override { return n_rows == 1 ? "one" : "many"; }

  void set(bool is_open, bool is_throwing = false) {
    const std::scoped_lock lock(mutex_);
    is_open_ = is_open, is_throwing_ = is_throwing;
    changed_.notify_all();
  }
  void await_batches(std::size_t n) const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return sizes_.size() >= n; });
  }
  std::vector<std::size_t> sizes() const {
    const std::scoped_lock lock(mutex_);
    return sizes_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable std::vector<std::size_t> sizes_;
  bool is_open_ = true, is_throwing_ = false;
};

/// A caller in its own thread, with `n_rows` rows of `value`.
class Caller {
 public:
  Caller(dnn::Batcher& batcher, float value, std::size_t n_rows = 1,
         Clock::time_point deadline = dnn::Batcher::kNoDeadline)
      : rows_(2, n_rows), margins_(n_rows, -1), value_(value) {
    for (std::size_t i = 0; i < n_rows; ++i) rows_.row(i)[0] = value;
    thread_ = std::thread([this, &batcher, deadline] { answer_ = batcher.score(rows_.view(), margins_, deadline); });
  }
  Caller(Caller&&) = delete;
  ~Caller() {
    if (thread_.joinable()) thread_.join();
  }

  const dnn::BatchAnswer& answer() {
    if (thread_.joinable()) thread_.join();
    for (const float margin : margins_) CHECK(margin == (answer_.status == BatchStatus::done ? 2 * value_ : -1));
    return answer_;
  }

 private:
  FloatTable rows_;
  std::vector<float> margins_;
  float value_;
  dnn::BatchAnswer answer_;
  std::thread thread_;
};

void await_waiting(const dnn::Batcher& batcher, std::size_t n_rows) {
  while (batcher.counters().waiting_rows != n_rows) std::this_thread::yield();
}

const auto kFake = [] { return std::make_shared<FakeExecutor>(); };

}  // namespace

TEST_CASE("a full batch ships at once, and so does a preferred one, and requests stay whole and in order") {
  const auto executor = kFake();
  executor->set(false);
  dnn::Batcher batcher(executor, 2, {.max_batch = 8, .preferred = {4, 6}, .max_delay = 1h});
  Caller first(batcher, 1, 8);  // full: the worker waits at the gate with it, and the others gather
  executor->await_batches(1);
  std::vector<std::unique_ptr<Caller>> callers;
  std::size_t n_waiting = 0;
  for (const std::size_t n_rows : {3, 3, 5, 2, 2, 2}) {
    callers.push_back(std::make_unique<Caller>(batcher, static_cast<float>(10 + callers.size()), n_rows));
    await_waiting(batcher, n_waiting += n_rows);
  }
  executor->set(true);
  CHECK(first.answer().status == BatchStatus::done);
  for (auto& caller : callers) CHECK(caller->answer().status == BatchStatus::done);
  // 17 rows wait: 3 + 3, because 5 more do not fit; then 11 wait: 5 + 2; then 4 are preferred.
  CHECK(executor->sizes() == std::vector<std::size_t>{8, 6, 7, 4});
  const auto counters = batcher.counters();
  CHECK(counters.done == 7);
  CHECK(counters.batches == 4);
  CHECK(counters.batch_rows == 25);
}

TEST_CASE("a batch that is neither full nor preferred ships once the oldest request has waited") {
  const auto executor = kFake();
  dnn::Batcher batcher(executor, 2, {.max_batch = 8, .max_delay = 20ms});
  const auto start = Clock::now();
  Caller a(batcher, 1, 2), b(batcher, 2);
  CHECK(a.answer().status == BatchStatus::done);
  CHECK(b.answer().status == BatchStatus::done);
  CHECK(Clock::now() - start >= 20ms);
  dnn::Batcher eager(executor, 2, {.max_batch = 8, .max_delay = 0us});
  Caller c(eager, 3);
  CHECK(c.answer().status == BatchStatus::done);
  CHECK(c.answer().device == "one");
}

TEST_CASE("a deadline is kept, in the queue and on a device that hangs") {
  const auto executor = kFake();
  executor->set(false);
  dnn::Batcher batcher(executor, 2, {.max_batch = 4, .max_delay = 0us});
  Caller stuck(batcher, 1, 4, Clock::now() + 300ms);
  executor->await_batches(1);
  Caller waiting(batcher, 2, 1, Clock::now() + 30ms), past(batcher, 3, 1, Clock::now() - 1ms);
  CHECK(stuck.answer().status == BatchStatus::late);
  CHECK(waiting.answer().status == BatchStatus::late);
  CHECK(past.answer().status == BatchStatus::late);
  Caller patient(batcher, 4, 2);
  executor->set(true);
  CHECK(patient.answer().status == BatchStatus::done);
  CHECK(executor->sizes() == std::vector<std::size_t>{4, 2});  // the late request in the queue was not shipped
  CHECK(batcher.counters().late == 3);
}

TEST_CASE("a request whose deadline passed before its batch ships is not shipped") {
  const auto executor = kFake();
  dnn::Batcher batcher(executor, 2, {.max_batch = 4, .max_delay = 30ms});
  Caller late(batcher, 1, 1, Clock::now() + 1ms), other(batcher, 2, 2);
  CHECK(late.answer().status == BatchStatus::late);
  CHECK(other.answer().status == BatchStatus::done);
  CHECK(executor->sizes() == std::vector<std::size_t>{2});
}

TEST_CASE("a full queue is reported at once") {
  const auto executor = kFake();
  executor->set(false);
  dnn::Batcher batcher(executor, 2, {.max_batch = 4, .max_delay = 0us, .queue_limit = 5});
  Caller shipped(batcher, 1, 4);
  executor->await_batches(1);
  Caller waiting(batcher, 2, 3);
  await_waiting(batcher, 3);
  Caller refused(batcher, 3, 3), fits(batcher, 4, 2);
  CHECK(refused.answer().status == BatchStatus::full);
  executor->set(true);
  CHECK(shipped.answer().status == BatchStatus::done);
  CHECK(waiting.answer().status == BatchStatus::done);
  CHECK(fits.answer().status == BatchStatus::done);
  CHECK(batcher.counters().full == 1);
}

TEST_CASE("an executor that throws fails its batch with the cause, and the next one is served") {
  const auto executor = kFake();
  dnn::Batcher batcher(executor, 2, {.max_batch = 4, .max_delay = 0us});
  executor->set(true, true);
  Caller failed(batcher, 1, 4);
  CHECK(failed.answer().status == BatchStatus::failed);
  CHECK(failed.answer().cause == "device.lost: pulled out");
  executor->set(true, false);
  Caller served(batcher, 2, 4);
  CHECK(served.answer().status == BatchStatus::done);
  CHECK(served.answer().cause.empty());
  CHECK(served.answer().device == "many");
}

TEST_CASE("close answers waiting requests, lets the device finish, and accepts no more") {
  const auto executor = kFake();
  executor->set(false);
  dnn::Batcher batcher(executor, 2, {.max_batch = 4, .max_delay = 1h});
  Caller shipped(batcher, 1, 4);
  executor->await_batches(1);
  Caller a(batcher, 2), b(batcher, 3, 2);
  await_waiting(batcher, 3);
  batcher.close();
  CHECK(a.answer().status == BatchStatus::closed);
  CHECK(b.answer().status == BatchStatus::closed);
  Caller after(batcher, 4);
  CHECK(after.answer().status == BatchStatus::closed);
  executor->set(true);
  CHECK(shipped.answer().status == BatchStatus::done);
  batcher.close();
  CHECK(batcher.counters().closed == 3);
}

TEST_CASE("eight threads: every request is answered once, with the margins of a direct call") {
  const RandomNetwork n = random_network({{{20}, 3, 2}}, true, 41);
  const FloatTable rows = random_encoded(n.encoder, 8 * 300, 42);
  const auto expected = bits(naive_forward(n, rows.view()));
  const std::shared_ptr<const dnn::Executor> executor = dnn::make_executor(n.network, dnn::Device::cpu);
  for (const std::size_t n_workers : {1, 3}) {
    dnn::Batcher batcher(
        executor, n.encoder.n_encoded(),
        {.max_batch = 16, .preferred = {5}, .max_delay = 100us, .queue_limit = 20, .n_workers = n_workers});
    std::atomic<std::size_t> n_calls = 0, n_done = 0, n_wrong = 0;
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (std::size_t first = t * 300; first < (t + 1) * 300;) {
          const std::size_t count = std::min<std::size_t>(1 + first % 5, (t + 1) * 300 - first);
          std::vector<float> margins(count);
          const auto deadline = first % 7 == 0 ? Clock::now() + 150us : dnn::Batcher::kNoDeadline;
          const auto answer = batcher.score(rows.view().slice(first, count), margins, deadline);
          ++n_calls;
          n_done += answer.status == BatchStatus::done;
          if (answer.status == BatchStatus::done)
            n_wrong += bits(margins) != std::vector(expected.begin() + first, expected.begin() + first + count);
          first += count;
        }
      });
    for (auto& thread : threads) thread.join();
    const auto c = batcher.counters();
    CHECK(n_wrong == 0);
    CHECK(n_done > 0);
    CHECK(c.done == n_done);
    CHECK(c.done + c.late + c.full + c.failed + c.closed == n_calls);
    CHECK(c.failed + c.closed == 0);
    CHECK(c.waiting_rows == 0);
  }
}

TEST_CASE("wrong shapes and options are rejected, and a forked process gets an error") {
  const auto executor = kFake();
  dnn::Batcher batcher(executor, 2, {.max_batch = 4});
  std::vector<float> margins(4);
  CHECK(code_of([&] { batcher.score(FloatTable(3, 1).view(), margins); }) == "shape");
  CHECK(code_of([&] { batcher.score(FloatTable(2, 0).view(), margins); }) == "shape");
  CHECK(code_of([&] { batcher.score(FloatTable(2, 5).view(), margins); }) == "shape");
  CHECK(code_of([&] { batcher.score(FloatTable(2, 3).view(), std::span(margins).first(2)); }) == "shape");
  for (const dnn::BatcherOptions& bad :
       std::initializer_list<dnn::BatcherOptions>{{.max_batch = 0},
                                                  {.preferred = {0}},
                                                  {.preferred = {65}},
                                                  {.max_delay = -1us},
                                                  {.max_delay = std::chrono::microseconds::max()},
                                                  {.queue_limit = 0},
                                                  {.n_workers = 0}})
    CHECK(code_of([&] { dnn::Batcher(executor, 2, bad); }) == "batcher.options");
#if !defined(__SANITIZE_THREAD__)  // which does not support fork() with threads
  const pid_t child = fork();
  if (child == 0) {
    const auto answer = batcher.score(FloatTable(2, 1).view(), margins);
    const bool is_told = answer.status == BatchStatus::failed && answer.cause.starts_with("device.forked");
    _exit(is_told ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
#endif
}

}  // namespace sluice::test
