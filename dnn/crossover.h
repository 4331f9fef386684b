#pragma once
/// Two executors of the same network, and the batch size from which one is faster.
///
/// A device is faster than the CPU for many rows and slower for few. Both are measured at start-up, and each batch goes
/// to the one that was faster for its size. Both give the same bits (executor.h): the choice affects only time.
/// Thread-safety: const calls are thread-safe if those of both executors are.

#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>

#include "sluice/dnn/executor.h"

namespace sluice::dnn {

struct CrossoverOptions {
  std::size_t max_rows = 4096;  // sizes 1, 2, 4, … up to this are measured
  std::size_t n_runs = 5;       // of each size, after one warm-up run; their medians are compared
  /// Time limit: no size is started that would exceed it.
  std::chrono::nanoseconds budget = std::chrono::milliseconds(250);
  std::function<std::chrono::nanoseconds()> clock;  // empty: std::chrono::steady_clock
};

inline constexpr std::size_t kNeverFaster = std::numeric_limits<std::size_t>::max();

/// The smallest measured size from which `large` is faster at every measured size; kNeverFaster if it is not faster at
/// the largest. Sizes beyond the budget are assumed to be like the largest measured one. Throws what the executors
/// throw.
std::size_t measure_crossover(const Executor& small, const Executor& large, std::size_t n_encoded,
                              const CrossoverOptions& options = {});

/// Sends batches of fewer than `from_rows` rows to `small`, and the others to `large`; device_for() returns which.
/// Errors are passed on: a batch that fails on one executor is not tried on the other.
std::unique_ptr<Executor> make_crossover_executor(std::unique_ptr<Executor> small, std::unique_ptr<Executor> large,
                                                  std::size_t from_rows);

}  // namespace sluice::dnn
