#pragma once
/// The number and the size of this program's calls of operator new; link support/allocations.cpp.

#include <cstddef>

namespace sluice::test {

std::size_t n_allocations();
std::size_t bytes_allocated();  // total, including freed memory

}  // namespace sluice::test
