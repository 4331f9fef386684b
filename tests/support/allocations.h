#pragma once
/// How often this program has called operator new, and for how much memory; link support/allocations.cpp.

#include <cstddef>

namespace sluice::test {

std::size_t n_allocations();
std::size_t bytes_allocated();  // in all, freed or not

}  // namespace sluice::test
