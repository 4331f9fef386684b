#pragma once
/// A fixed set of threads that share out independent pieces of one piece of work.
///
/// `run` may be called from one thread at a time per pool. Pieces must not depend on each other's order: results are to
/// be written to places of their own, which is what makes an answer independent of the number of threads.

#include <cstddef>
#include <functional>
#include <memory>

namespace sluice {

class ThreadPool {
 public:
  static constexpr std::size_t kMaxThreads = 1024;

  /// 0 takes as many threads as there are processors. The calling thread works too: 1 starts no thread at all.
  /// Throws Error{threads.number} above kMaxThreads, Error{threads.start} if the system does not start that many.
  explicit ThreadPool(std::size_t n_threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t n_threads() const;

  /// Calls work(piece) once for every piece in [0, n_pieces) and waits. The first exception thrown is thrown here,
  /// after all have ended.
  void run(std::size_t n_pieces, const std::function<void(std::size_t piece)>& work);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice
