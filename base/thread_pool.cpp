#include "sluice/base/thread_pool.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "sluice/base/error.h"

namespace sluice {

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable wake, done;
  const std::function<void(std::size_t)>* work = nullptr;
  std::size_t next = 0, n_pieces = 0, running = 0;
  std::exception_ptr failure;
  bool stop = false;
  std::vector<std::thread> threads;

  void take_pieces(std::unique_lock<std::mutex>& lock) {
    while (next < n_pieces) {
      const std::size_t piece = next++;
      const auto* task = work;
      ++running;
      lock.unlock();
      std::exception_ptr thrown;
      try {
        (*task)(piece);
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      if (thrown && !failure) failure = thrown;
      if (--running == 0 && next >= n_pieces) done.notify_all();
    }
  }

  void end() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
    }
    wake.notify_all();
    for (auto& thread : threads) thread.join();
  }

  void serve() {
    std::unique_lock lock(mutex);
    while (!stop) {
      take_pieces(lock);
      wake.wait(lock, [&] { return stop || next < n_pieces; });
    }
  }
};

void fail_to_start(const char* what) {
  throw Error("threads.start", std::string("the system does not start the thread of ") + what,
              "let the process have more threads or memory");
}

ThreadPool::ThreadPool(std::size_t n_threads) : state_(std::make_unique<State>()) {
  if (n_threads == 0) n_threads = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMaxThreads);
  if (n_threads > kMaxThreads)
    throw Error("threads.number", std::to_string(n_threads) + " threads, the limit is " + std::to_string(kMaxThreads),
                "0 is one for each processor");
  try {
    for (std::size_t i = 1; i < n_threads; ++i) state_->threads.emplace_back([this] { state_->serve(); });
  } catch (const std::system_error& e) {
    const std::size_t n_started = state_->threads.size();
    state_->end();
    throw Error("threads.start",
                "the system started " + std::to_string(n_started) + " of " + std::to_string(n_threads - 1) +
                    " threads: " + e.code().message(),
                "use fewer threads");
  }
}

ThreadPool::~ThreadPool() { state_->end(); }

std::size_t ThreadPool::n_threads() const { return state_->threads.size() + 1; }

void ThreadPool::run(std::size_t n_pieces, const std::function<void(std::size_t)>& work) {
  std::unique_lock lock(state_->mutex);
  state_->work = &work;
  state_->next = 0;
  state_->n_pieces = n_pieces;
  state_->failure = nullptr;
  state_->wake.notify_all();
  state_->take_pieces(lock);
  state_->done.wait(lock, [&] { return state_->running == 0; });
  state_->n_pieces = 0;
  if (state_->failure) std::rethrow_exception(std::exchange(state_->failure, nullptr));
}

}  // namespace sluice
