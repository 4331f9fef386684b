#pragma once
/// Two executors of the same network, and which of them is faster for which batch.
///
/// A device answers many rows sooner than the CPU and few rows later, so each batch goes to the one that was faster for
/// its size when both were measured, at start-up. Both give the same bits (executor.h): only time depends on the
/// choice.

#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>

#include "sluice/dnn/executor.h"

namespace sluice::dnn {

struct CrossoverOptions {
  std::size_t max_rows = 4096;  // sizes 1, 2, 4, … up to this are measured
  std::size_t n_runs = 5;       // of each size, after one that does not count; their median is compared
  std::chrono::nanoseconds budget = std::chrono::milliseconds(250);  // no size is begun that would pass it
  std::function<std::chrono::nanoseconds()> clock;                   // empty: std::chrono::steady_clock
};

inline constexpr std::size_t kNeverFaster = std::numeric_limits<std::size_t>::max();

/// The smallest measured size from which on `large` is faster at every measured size; kNeverFaster where it is not at
/// the largest. Sizes beyond those that the budget reached are taken to be as the largest one measured. Throws what the
/// executors throw.
std::size_t measure_crossover(const Executor& small, const Executor& large, std::size_t n_encoded,
                              const CrossoverOptions& options = {});

/// Sends batches of fewer than `from_rows` rows to `small`, and the others to `large`; device_for() says which. Errors
/// are passed on: a batch that fails on one is not tried on the other. Const calls are thread-safe where those of both
/// are.
std::unique_ptr<Executor> make_crossover_executor(std::unique_ptr<Executor> small, std::unique_ptr<Executor> large,
                                                  std::size_t from_rows);

}  // namespace sluice::dnn
