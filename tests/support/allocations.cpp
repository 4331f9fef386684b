#include "support/allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<std::size_t> n_calls{0}, n_bytes{0};
}

// In a separate file: if inlined, GCC reports new and delete below as a mismatch.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++n_calls;
  n_bytes += size;
  return std::malloc(size ? size : 1);
}
void* operator new(std::size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace sluice::test {

std::size_t n_allocations() { return n_calls; }
std::size_t bytes_allocated() { return n_bytes; }

}  // namespace sluice::test
