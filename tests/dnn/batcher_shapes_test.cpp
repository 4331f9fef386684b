/// Requests with sizes around the limits of batches and queue.

#include "sluice/dnn/batcher.h"

#include <algorithm>

#include "sluice/base/error.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using dnn::BatchStatus;

class Doubling final : public dnn::Executor {
 public:
  void forward(BatchView encoded, std::span<float> margins) const override {
    for (std::size_t i = 0; i < encoded.n_rows; ++i) margins[i] = 2 * encoded.row(i)[0];
  }
  std::string_view device() const override { return "fake"; }
  std::string_view kernel() const override { return "fake"; }
};

}  // namespace

TEST_CASE("requests of one row up to a batch are answered row by row, and no rows, and one row more, are rejected") {
  const auto executor = std::make_shared<Doubling>();
  for (const std::size_t max_batch : {1, 2, 63, 64, 65})
    for (const std::vector<std::size_t>& preferred : {std::vector<std::size_t>{}, {1}, {max_batch}}) {
      dnn::Batcher batcher(
          executor, 2, {.max_batch = max_batch, .preferred = preferred, .max_delay = 0us, .queue_limit = max_batch});
      std::vector<float> margins(max_batch + 1);
      const auto score = [&](std::size_t n) {
        FloatTable rows(2, n);
        for (std::size_t i = 0; i < n; ++i) rows.row(i)[0] = static_cast<float>(i) + 0.5f;
        std::ranges::fill(margins, -1.0f);
        return batcher.score(rows.view(), margins).status;
      };
      for (const std::size_t n : {std::size_t{1}, std::max<std::size_t>(1, max_batch - 1), max_batch}) {
        CAPTURE(max_batch, preferred.size(), n);
        REQUIRE(score(n) == BatchStatus::done);
        for (std::size_t i = 0; i < margins.size(); ++i)
          REQUIRE(margins[i] == (i < n ? 2 * static_cast<float>(i) + 1 : -1.0f));
      }
      CHECK(code_of([&] { score(0); }) == "shape");
      CHECK(code_of([&] { score(max_batch + 1); }) == "shape");
    }
}

TEST_CASE("a request larger than the queue is answered full, and one that just fits is served") {
  dnn::Batcher batcher(std::make_shared<Doubling>(), 2, {.max_batch = 4, .max_delay = 0us, .queue_limit = 3});
  std::vector<float> margins(4);
  CHECK(batcher.score(FloatTable(2, 3).view(), margins).status == BatchStatus::done);
  CHECK(batcher.score(FloatTable(2, 4).view(), margins).status == BatchStatus::full);
}

}  // namespace sluice::test
