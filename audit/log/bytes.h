#pragma once
/// Little-endian bytes, written one field after another and read back with every bound checked. Not installed.

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>

#include "sluice/base/error.h"

namespace sluice::audit {

static_assert(std::endian::native == std::endian::little, "fields are copied as they lie in memory");

inline constexpr std::size_t kMaxText = 0xffff;

/// Appends to a string that it does not own; a string that has grown once is not allocated again.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  template <std::integral T>
  ByteWriter& put(T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out_.append(bytes, sizeof value);
    return *this;
  }
  /// Bits as they are; every NaN as the quiet one without payload.
  ByteWriter& put(double value) {
    return put(std::bit_cast<std::uint64_t>(std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value));
  }
  ByteWriter& put(float value) {
    return put(std::bit_cast<std::uint32_t>(std::isnan(value) ? std::numeric_limits<float>::quiet_NaN() : value));
  }
  ByteWriter& bytes(const void* data, std::size_t size) {
    out_.append(static_cast<const char*>(data), size);
    return *this;
  }
  /// Its length in 16 bits, then its bytes. Throws Error{record.text} for a longer one.
  ByteWriter& text(std::string_view text) {
    if (text.size() > kMaxText)
      throw Error("record.text", "a text of " + std::to_string(text.size()) + " bytes", "at most 65,535 can be stored");
    put(static_cast<std::uint16_t>(text.size()));
    out_.append(text);
    return *this;
  }

 private:
  std::string& out_;
};

/// Reads what ByteWriter wrote. Every failure throws Error{record.*} with the offset.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  T get() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  double number() {
    const double value = get<double>();
    if (std::isnan(value) &&
        std::bit_cast<std::uint64_t>(value) != std::bit_cast<std::uint64_t>(std::numeric_limits<double>::quiet_NaN()))
      fail("record.value", "a NaN that is not the canonical one");
    return value;
  }
  float number32() {
    const float value = get<float>();
    if (std::isnan(value) &&
        std::bit_cast<std::uint32_t>(value) != std::bit_cast<std::uint32_t>(std::numeric_limits<float>::quiet_NaN()))
      fail("record.value", "a NaN that is not the canonical one");
    return value;
  }
  /// One byte that is at most `last`.
  std::uint8_t small(std::uint8_t last, const char* what) {
    const auto value = get<std::uint8_t>();
    if (value > last) fail("record.value", std::string(what) + " " + std::to_string(value));
    return value;
  }
  std::string_view text() { return take(get<std::uint16_t>()); }
  std::string_view take(std::size_t size) {
    if (size > bytes_.size() - at_) fail("record.truncated", std::to_string(size) + " bytes are wanted");
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  std::size_t remaining() const { return bytes_.size() - at_; }
  void finish() const {
    if (remaining() > 0) fail("record.excess", std::to_string(remaining()) + " bytes too many");
  }
  [[noreturn]] void fail(const char* code, const std::string& what) const {
    throw Error(code, "byte " + std::to_string(at_) + " of " + std::to_string(bytes_.size()) + ": " + what,
                "the bytes are specified in docs/record_format.md");
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

}  // namespace sluice::audit
