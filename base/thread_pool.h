#pragma once
/// A fixed set of threads that share the independent pieces of one task.
///
/// Pieces may run in any order. Each must write its result to a place of its own, which makes the result independent of
/// the number of threads.
/// Thread-safety: `run` may be called from one thread at a time per pool.

#include <cstddef>
#include <functional>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

namespace sluice {

/// Throws Error{threads.start}.
[[noreturn]] void fail_to_start(const char* what);

/// A thread that runs `work`. Throws Error{threads.start} naming `what` if the system does not start it.
template <class Work>
std::thread start_thread(const char* what, Work work) {
  try {
    return std::thread(std::move(work));
  } catch (const std::system_error&) {
    fail_to_start(what);
  }
}

class ThreadPool {
 public:
  static constexpr std::size_t kMaxThreads = 1024;

  /// 0 uses one thread per processor. The calling thread works too: 1 starts no thread.
  /// Throws Error{threads.number} above kMaxThreads, Error{threads.start} if the system does not start that many.
  explicit ThreadPool(std::size_t n_threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t n_threads() const;

  /// Calls work(piece) once for every piece in [0, n_pieces) and waits. After all pieces have ended, it rethrows the
  /// first exception.
  void run(std::size_t n_pieces, const std::function<void(std::size_t piece)>& work);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice
