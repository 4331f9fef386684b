#pragma once
/// Writes fields as little-endian bytes, and reads them with bounds checks. Not installed.

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

static_assert(std::endian::native == std::endian::little, "fields are copied in memory order");

inline constexpr std::size_t kMaxText = 0xffff;

/// Appends to the caller's string, so that its memory can be reused.
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
  /// Writes the bits unchanged, except that every NaN is written as the quiet NaN without payload.
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
  /// Writes the length in 16 bits, then the bytes. Throws Error{record.text} for more than kMaxText bytes.
  ByteWriter& text(std::string_view text) {
    if (text.size() > kMaxText)
      throw Error("record.text", "a text of " + std::to_string(text.size()) + " bytes",
                  "a record stores at most 65,535 bytes");
    put(static_cast<std::uint16_t>(text.size()));
    out_.append(text);
    return *this;
  }

 private:
  std::string& out_;
};

/// Reads what ByteWriter writes. Every failure throws Error{record.*} with the offset.
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
      fail("record.value", "a NaN other than the canonical one");
    return value;
  }
  float number32() {
    const float value = get<float>();
    if (std::isnan(value) &&
        std::bit_cast<std::uint32_t>(value) != std::bit_cast<std::uint32_t>(std::numeric_limits<float>::quiet_NaN()))
      fail("record.value", "a NaN other than the canonical one");
    return value;
  }
  /// Reads one byte, at most `last`; `what` names it in the error.
  std::uint8_t small(std::uint8_t last, const char* what) {
    const auto value = get<std::uint8_t>();
    if (value > last) fail("record.value", std::string(what) + " " + std::to_string(value));
    return value;
  }
  std::string_view text() { return take(get<std::uint16_t>()); }
  std::string_view take(std::size_t size) {
    if (size > bytes_.size() - at_) fail("record.truncated", std::to_string(size) + " more bytes expected");
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  std::size_t remaining() const { return bytes_.size() - at_; }
  void finish() const {
    if (remaining() > 0) fail("record.excess", std::to_string(remaining()) + " bytes after the last field");
  }
  [[noreturn]] void fail(const char* code, const std::string& what) const {
    throw Error(code, "byte " + std::to_string(at_) + " of " + std::to_string(bytes_.size()) + ": " + what,
                "docs/record_format.md defines the bytes");
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

}  // namespace sluice::audit
