#include "sluice/dnn/crossover.h"

#include "dnn_support.h"
#include "sluice/base/error.h"
#include "support/catch.h"

namespace sluice::test {
namespace {

using std::chrono::nanoseconds;

/// Advances a test clock by `fixed + per_row x rows`.
class TimedExecutor final : public dnn::Executor {
 public:
  TimedExecutor(std::string name, nanoseconds& now, std::int64_t fixed, std::int64_t per_row)
      : name_(std::move(name)), now_(now), fixed_(fixed), per_row_(per_row) {}

  void forward(BatchView encoded, std::span<float> margins) const override {
    if (fails) throw Error("device.failed", "out of order");
    largest = std::max(largest, encoded.n_rows);
    const bool has_hiccup = hiccups > 0 && ++n_calls_ % hiccups == 0;
    now_ += nanoseconds(fixed_ + per_row_ * static_cast<std::int64_t>(encoded.n_rows) + (has_hiccup ? 1000000 : 0));
    std::fill_n(margins.begin(), encoded.n_rows, name_ == "small" ? 1.0f : 2.0f);
  }
  std::string_view device() const override { return name_; }
  std::string_view kernel() const override { return name_; }

  mutable std::size_t largest = 0;
  // Every n-th call takes one millisecond more.
  std::size_t hiccups = 0;
  bool fails = false;

 private:
  std::string name_;
  nanoseconds& now_;
  std::int64_t fixed_, per_row_;
  mutable std::size_t n_calls_ = 0;
};

struct Pair {
  nanoseconds now{0};
  TimedExecutor small, large;
  Pair(std::int64_t per_row_small, std::int64_t fixed_large, std::int64_t per_row_large)
      : small("small", now, 0, per_row_small), large("large", now, fixed_large, per_row_large) {}

  std::size_t measure(dnn::CrossoverOptions options = {}) {
    options.clock = [this] { return now; };
    return dnn::measure_crossover(small, large, 3, options);
  }
};

}  // namespace

TEST_CASE("the crossover is the first size from which the large executor is faster") {
  CHECK(Pair(100, 10000, 1).measure() == 128);  // 100 n > 10000 + n from 102 rows on
  CHECK(Pair(100, 0, 1).measure() == 1);
  CHECK(Pair(100, 0, 200).measure() == dnn::kNeverFaster);
  CHECK(Pair(100, 100, 0).measure() == 2);  // equally fast is not faster
  CHECK(Pair(1, 1000000, 0).measure({.max_rows = 1024}) == dnn::kNeverFaster);
}

TEST_CASE("one slow run in six changes nothing") {
  Pair pair(100, 10000, 1);
  pair.small.hiccups = 6, pair.large.hiccups = 7;
  CHECK(pair.measure() == 128);
}

TEST_CASE("the budget is kept, and sizes beyond it count as the largest measured size") {
  Pair pair(100000, 100, 1);
  CHECK(pair.measure({.budget = nanoseconds(10000000)}) == 1);
  CHECK(pair.now <= nanoseconds(10000000));
  CHECK(pair.small.largest >= 4);
  CHECK(pair.small.largest < 4096);
  Pair slow(100000, 1000000000, 1);
  CHECK(slow.measure({.budget = nanoseconds(1)}) == dnn::kNeverFaster);
  CHECK(slow.large.largest == 1);
}

TEST_CASE("each batch goes to its executor, which device_for names, and errors are passed on") {
  nanoseconds now{0};
  auto small = std::make_unique<TimedExecutor>("small", now, 1, 1),
       large = std::make_unique<TimedExecutor>("large", now, 1, 1);
  TimedExecutor& large_one = *large;
  const auto both = dnn::make_crossover_executor(std::move(small), std::move(large), 64);
  CHECK(both->device() == "small+large");
  CHECK(both->kernel() == "small+large");
  const FloatTable rows(3, 100);
  for (const std::size_t n : {0, 1, 63, 64, 65, 100}) {
    std::vector<float> margins(n, 0.0f);
    both->forward(rows.view().slice(0, n), margins);
    CHECK(margins == std::vector<float>(n, n < 64 ? 1.0f : 2.0f));
    CHECK(both->device_for(n) == (n < 64 ? "small" : "large"));
  }
  large_one.fails = true;
  std::vector<float> margins(100);
  CHECK_NOTHROW(both->forward(rows.view().slice(0, 63), margins));
  CHECK_THROWS_AS(both->forward(rows.view(), margins), Error);
}

TEST_CASE("an executor with one device serves every batch with it") {
  const RandomNetwork n = random_network({{{4}}}, false, 51);
  const auto cpu = dnn::make_executor(n.network, dnn::Device::cpu);
  for (const std::size_t n_rows : {1, 100000}) CHECK(cpu->device_for(n_rows) == "cpu");
}

}  // namespace sluice::test
