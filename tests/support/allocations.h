#pragma once
/// How often this program has called operator new; link support/allocations.cpp.

#include <cstddef>

namespace sluice::test {

std::size_t n_allocations();

}  // namespace sluice::test
