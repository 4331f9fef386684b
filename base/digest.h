#pragma once
/// SHA-256 digests (FIPS 180-4).
/// Thread-safety: functions are thread-safe; a hasher must be used by one thread at a time.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice {

struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  std::string hex() const;
  bool operator==(const Digest&) const = default;
};

Digest sha256(std::string_view bytes);

/// Digest of a stream.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  void update(std::string_view bytes);
  Digest finish();  // call once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice
