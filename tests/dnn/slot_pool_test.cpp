#include "sluice/dnn/cuda/slot_pool.h"

#include <atomic>
#include <thread>
#include <vector>

#include "support/catch.h"

namespace sluice::test {

using dnn::cuda::SlotPool;

TEST_CASE("a slot has one borrower at a time, and every borrower gets one") {
  constexpr std::size_t kSlots = 3, kLoans = 500;
  SlotPool pool(kSlots);
  std::size_t uses[kSlots] = {};  // not atomic: the pool's lock must order them
  std::atomic<std::size_t> n_loans = 0;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < kLoans; ++i) {
        const std::size_t first = pool.acquire();
        const auto second = pool.try_acquire();
        ++uses[first], ++n_loans;
        if (second) {
          ++uses[*second], ++n_loans;
          pool.release(*second);
        }
        pool.release(first);
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(uses[0] + uses[1] + uses[2] == n_loans);
  CHECK(n_loans >= 8 * kLoans);
}

TEST_CASE("a second slot is lent only while one is free") {
  SlotPool pool(2);
  const std::size_t first = pool.acquire();
  const auto second = pool.try_acquire();
  REQUIRE(second.has_value());
  CHECK(*second != first);
  CHECK_FALSE(pool.try_acquire().has_value());
  pool.release(*second);
  CHECK(pool.try_acquire() == second);
}

}  // namespace sluice::test
