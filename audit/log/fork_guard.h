#pragma once
/// Tells a process from the children that it forks. A child has a copy of a log's memory and descriptors, but not its
/// thread. Not installed.

#include <sys/mman.h>

#include "sluice/base/error.h"

namespace sluice::audit {

/// Const calls are thread-safe, and read memory only: MADV_WIPEONFORK fills the page with zeros in a child.
class ForkGuard {
 public:
  ForkGuard() : page_(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (page_ == MAP_FAILED || madvise(page_, kBytes, MADV_WIPEONFORK) != 0)
      throw Error("log.fork", "the system cannot mark memory that a forked child does not get");
    *static_cast<volatile char*>(page_) = 1;
  }
  ~ForkGuard() { munmap(page_, kBytes); }
  ForkGuard(const ForkGuard&) = delete;
  ForkGuard& operator=(const ForkGuard&) = delete;

  bool is_child() const { return *static_cast<const volatile char*>(page_) == 0; }

 private:
  static constexpr std::size_t kBytes = 4096;
  void* page_;
};

}  // namespace sluice::audit
