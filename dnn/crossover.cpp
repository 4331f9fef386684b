#include "sluice/dnn/crossover.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace sluice::dnn {
namespace {

using std::chrono::nanoseconds;

class CrossoverExecutor final : public Executor {
 public:
  CrossoverExecutor(std::unique_ptr<Executor> small, std::unique_ptr<Executor> large, std::size_t from_rows)
      : small_(std::move(small)),
        large_(std::move(large)),
        from_rows_(from_rows),
        device_(std::string(small_->device()) + "+" + std::string(large_->device())),
        kernel_(std::string(small_->kernel()) + "+" + std::string(large_->kernel())) {}

  void forward(BatchView encoded, std::span<float> margins) const override {
    of(encoded.n_rows).forward(encoded, margins);
  }
  std::size_t n_outputs() const override { return small_->n_outputs(); }
  std::string_view device() const override { return device_; }
  std::string_view kernel() const override { return kernel_; }
  std::string_view device_for(std::size_t n_rows) const override { return of(n_rows).device_for(n_rows); }

 private:
  const Executor& of(std::size_t n_rows) const { return n_rows < from_rows_ ? *small_ : *large_; }

  std::unique_ptr<Executor> small_, large_;
  std::size_t from_rows_;
  std::string device_, kernel_;
};

nanoseconds median(std::vector<nanoseconds> times) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

}  // namespace

std::size_t measure_crossover(const Executor& small, const Executor& large, std::size_t n_encoded,
                              const CrossoverOptions& options) {
  const auto clock = options.clock ? options.clock : [] { return std::chrono::steady_clock::now().time_since_epoch(); };
  const std::size_t n_runs = std::max<std::size_t>(1, options.n_runs);
  const FloatTable rows(n_encoded, options.max_rows);  // zeros: time does not depend on the values
  std::vector<float> margins(options.max_rows * small.n_outputs());
  const auto begin = clock();
  std::size_t from_rows = kNeverFaster;
  for (std::size_t n = 1; n <= options.max_rows; n *= 2) {
    const auto before = clock();
    std::vector<nanoseconds> times[2];
    for (std::size_t run = 0; run <= n_runs; ++run)  // in turns, so that a load spike affects both
      for (const int k : {0, 1}) {
        const auto start = clock();
        (k == 0 ? small : large).forward(rows.view().slice(0, n), margins);
        if (run > 0) times[k].push_back(clock() - start);
      }
    const bool is_faster = median(times[1]) < median(times[0]);
    from_rows = !is_faster ? kNeverFaster : std::min(from_rows, n);
    const auto now = clock();
    // The next size needs up to twice the time.
    if (now - begin + 2 * (now - before) > options.budget) break;
  }
  return from_rows;
}

std::unique_ptr<Executor> make_crossover_executor(std::unique_ptr<Executor> small, std::unique_ptr<Executor> large,
                                                  std::size_t from_rows) {
  return std::make_unique<CrossoverExecutor>(std::move(small), std::move(large), from_rows);
}

}  // namespace sluice::dnn
