#pragma once
/// SHA-256 that reuses one OpenSSL context, for a million hashes per second. Not installed.

#include <memory>
#include <string_view>

#include "sluice/base/digest.h"

namespace sluice::audit {

inline std::string_view bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
}

/// Hashes the concatenation of its arguments. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Digest operator()(std::string_view a, std::string_view b = {}, std::string_view c = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::audit
