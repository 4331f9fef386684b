#pragma once
/// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed 64-bit hash that is unpredictable without the key. Allocates
/// nothing.
/// Thread-safety: a pure function.

#include <cstdint>
#include <string_view>

namespace sluice::experiment {

struct SipKey {
  std::uint64_t k0 = 0, k1 = 0;  // the key's sixteen bytes, little-endian
};

std::uint64_t siphash(SipKey key, std::string_view bytes);

}  // namespace sluice::experiment
