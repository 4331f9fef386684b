#include "sluice/base/thread_pool.h"

#include <atomic>
#include <stdexcept>
#include <vector>

#include "support/catch.h"

using namespace sluice;

TEST_CASE("every piece runs once for any number of threads") {
  for (const std::size_t n_threads : {1, 2, 5}) {
    ThreadPool pool(n_threads);
    for (const std::size_t n_pieces : {0, 1, 3, 1000}) {
      std::vector<int> done(n_pieces);
      pool.run(n_pieces, [&](std::size_t piece) { ++done[piece]; });
      REQUIRE(done == std::vector<int>(n_pieces, 1));
    }
  }
}

TEST_CASE("an exception of a piece reaches the caller, and the pool stays usable") {
  ThreadPool pool(3);
  REQUIRE_THROWS_WITH(pool.run(10,
                               [](std::size_t piece) {
                                 if (piece == 4) throw std::runtime_error("piece 4");
                               }),
                      "piece 4");
  std::atomic<int> count = 0;
  pool.run(10, [&](std::size_t) { ++count; });
  REQUIRE(count == 10);
}
