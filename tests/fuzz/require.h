#pragma once
/// A law that a fuzzed reader keeps, or the run ends with it.

#include <cstdio>
#include <cstdlib>

namespace sluice::test {

inline void require(bool holds, const char* law) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", law);
  std::abort();
}

}  // namespace sluice::test
