#pragma once
/// Scratch memory: on the stack up to `kCapacity` elements, on the heap beyond.
/// Thread-safety: none; a buffer belongs to one call.

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace sluice {

template <class T, std::size_t kCapacity>
class StackBuffer {
 public:
  explicit StackBuffer(std::size_t size) : size_(size) {
    if (size > kCapacity) heap_.resize(size);
  }
  StackBuffer(const StackBuffer&) = delete;
  StackBuffer& operator=(const StackBuffer&) = delete;

  T* data() { return size_ > kCapacity ? heap_.data() : stack_.data(); }
  std::span<T> span() { return {data(), size_}; }
  T& operator[](std::size_t i) { return data()[i]; }

 private:
  std::size_t size_;
  std::array<T, kCapacity> stack_;  // uninitialised
  std::vector<T> heap_;
};

}  // namespace sluice
