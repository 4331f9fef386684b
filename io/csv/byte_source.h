#pragma once
/// The bytes of a file or of standard input, decompressed if gzipped. Not installed.

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/progress.h"

namespace sluice::io {

/// Gzip is recognised by its first two bytes; consecutive members are one stream (RFC 1952). Not thread-safe.
/// While a pipe or a terminal has nothing to read, `progress` is asked ten times a second or more whether to go on; a
/// named pipe is waited for until somebody writes. Throws Error{file.read} with the path, Error{interrupted}, and
/// Error{csv.gzip} if compressed bytes are truncated, altered or followed by other bytes.
class ByteSource {
 public:
  explicit ByteSource(const std::string& path, Progress progress = {});  // "-" is standard input
  ByteSource(std::string name, std::string_view bytes);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// Fills `out`; returns fewer bytes than requested only at the end.
  std::size_t read(char* out, std::size_t n_bytes);
  /// The first bytes, which `read` will still return; fewer than requested only if the source is shorter. Call before
  /// the first read.
  std::string_view peek(std::size_t n_bytes);

  const std::string& name() const { return name_; }
  std::uint64_t bytes_read() const { return bytes_read_; }
  std::uint64_t bytes_total() const { return bytes_total_; }

 private:
  void look_for_gzip();
  void wait_for_bytes() const;
  bool refill();  // false at the end of the raw bytes
  std::size_t take_raw(char* out, std::size_t n_bytes);
  std::size_t inflate_some(char* out, std::size_t n_bytes);
  [[noreturn]] void fail_gzip(const std::string& what) const;

  std::string name_;
  Progress progress_;
  int file_ = -1;
  bool may_block_ = false;
  std::uint64_t bytes_read_ = 0, bytes_total_ = 0;
  std::vector<char> raw_;
  std::string_view pending_;  // raw bytes not yet used
  std::string peeked_;
  std::size_t peeked_used_ = 0;
  bool is_gzip_ = false, is_in_member_ = false;
  z_stream zlib_{};
};

}  // namespace sluice::io
