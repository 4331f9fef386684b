#pragma once
/// Times of two peers in one run, measured in turns, so that timing noise affects both.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

namespace sluice::bench {

/// Microseconds a row.
struct Timing {
  double median = 0, low = 0, high = 0;  // quartiles
};

inline double microseconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

inline Timing timing_of(std::vector<double> times, std::size_t n_rows) {
  std::sort(times.begin(), times.end());
  const auto at = [&](std::size_t quarter) { return times[times.size() * quarter / 4] / static_cast<double>(n_rows); };
  return {at(2), at(1), at(3)};
}

struct Work {
  std::function<void()> run;
  std::size_t n_rows = 1;  // that one run takes
};

/// Each work `n_repeats` times, in turns, after one run that does not count.
inline std::vector<Timing> time_in_turns(const std::vector<Work>& works, std::size_t n_repeats) {
  std::vector<std::vector<double>> times(works.size());
  for (const Work& work : works) work.run();
  for (std::size_t r = 0; r < n_repeats; ++r)
    for (std::size_t k = 0; k < works.size(); ++k) times[k].push_back(microseconds(works[k].run));
  std::vector<Timing> out;
  for (std::size_t k = 0; k < works.size(); ++k) out.push_back(timing_of(times[k], works[k].n_rows));
  return out;
}

/// Single calls: `run(i)` for i of 0 to n - 1, each timed.
inline Timing time_calls(std::size_t n, const std::function<void(std::size_t)>& run) {
  std::vector<double> times;
  for (std::size_t i = 0; i < n; ++i) times.push_back(microseconds([&] { run(i); }));
  return timing_of(std::move(times), 1);
}

}  // namespace sluice::bench
