#pragma once
/// The bytes of a file or of standard input, unpacked where they are gzipped. Not installed.

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::io {

/// Gzip is known by its first two bytes; members that follow each other are one stream (RFC 1952). Not thread-safe.
/// Throws Error{file.read} naming the path, Error{csv.gzip} where packed bytes are truncated, altered or followed by
/// others.
class ByteSource {
 public:
  explicit ByteSource(const std::string& path);  // "-" is standard input
  ByteSource(std::string name, std::string_view bytes);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// Fills `out`; fewer bytes than asked for only at the end.
  std::size_t read(char* out, std::size_t n_bytes);
  /// The first bytes, which `read` will still give; fewer than asked for only in a source that is shorter. Before the
  /// first read alone.
  std::string_view peek(std::size_t n_bytes);

  const std::string& name() const { return name_; }
  std::uint64_t bytes_read() const { return bytes_read_; }
  std::uint64_t bytes_total() const { return bytes_total_; }

 private:
  void look_for_gzip();
  bool refill();  // false at the end of the raw bytes
  std::size_t take_raw(char* out, std::size_t n_bytes);
  std::size_t inflate_some(char* out, std::size_t n_bytes);
  [[noreturn]] void fail_gzip(const std::string& what) const;

  std::string name_;
  int file_ = -1;
  std::uint64_t bytes_read_ = 0, bytes_total_ = 0;
  std::vector<char> raw_;
  std::string_view pending_;  // raw bytes not yet used
  std::string peeked_;
  std::size_t peeked_used_ = 0;
  bool is_gzip_ = false, is_in_member_ = false;
  z_stream zlib_{};
};

}  // namespace sluice::io
