#include "sluice/base/stack_buffer.h"

#include <algorithm>
#include <cstdint>

#include "support/allocations.h"
#include "support/catch.h"

namespace sluice::test {
namespace {

template <class T, std::size_t kCapacity>
void check_capacity() {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kCapacity - 1, kCapacity, kCapacity + 1, 3 * kCapacity}) {
    const std::size_t before = n_allocations();
    StackBuffer<T, kCapacity> buffer(size);
    const std::size_t after = n_allocations();
    CAPTURE(kCapacity, size);
    CHECK((after == before) == (size <= kCapacity));
    REQUIRE(buffer.span().size() == size);
    REQUIRE(buffer.span().data() == buffer.data());
    for (std::size_t i = 0; i < size; ++i) buffer[i] = static_cast<T>(i % 100);
    for (std::size_t i = 0; i < size; ++i) REQUIRE(buffer.span()[i] == static_cast<T>(i % 100));
    const auto place = reinterpret_cast<std::uintptr_t>(buffer.data()), own = reinterpret_cast<std::uintptr_t>(&buffer);
    if (size > 0) CHECK((place >= own && place + size * sizeof(T) <= own + sizeof(buffer)) == (size <= kCapacity));
  }
}

}  // namespace

TEST_CASE("a buffer is on the stack up to its capacity, on the heap beyond, and has the requested size") {
  check_capacity<float, 1>();
  check_capacity<double, 2>();
  check_capacity<float, 64>();
  check_capacity<std::uint8_t, 4096>();
}

}  // namespace sluice::test
