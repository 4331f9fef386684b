#include "sluice/base/thread_pool.h"

#include <sys/resource.h>

#include <atomic>
#include <stdexcept>
#include <vector>

#include "sluice/base/error.h"
#include "support/catch.h"
#include "support/sanitizers.h"

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

TEST_CASE("too many threads are an error, and those that were started end") {
  CHECK_THROWS_AS(ThreadPool(ThreadPool::kMaxThreads + 1), Error);
  CHECK_THROWS_AS(ThreadPool(static_cast<std::size_t>(-1)), Error);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
  if (test::kHasAddressSanitizer || test::kHasThreadSanitizer) return;  // they need the address space
  rlimit tight = before;
  tight.rlim_cur = rlim_t{1} << 30;  // room for some of the threads' stacks
  REQUIRE(setrlimit(RLIMIT_AS, &tight) == 0);
  bool has_thrown = false;
  try {
    ThreadPool pool(1000);
  } catch (const Error& e) {
    has_thrown = e.code() == "threads.start";
  }
  REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
  CHECK(has_thrown);
}
