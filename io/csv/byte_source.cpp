#include "sluice/io/csv/byte_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "sluice/base/error.h"

namespace sluice::io {
namespace {

constexpr std::size_t kRawBytes = 1 << 18;
constexpr int kPollMilliseconds = 50;

[[noreturn]] void fail_read(const std::string& name, const std::string& why, const std::string& hint = {}) {
  throw Error("file.read", name + ": " + why, hint);
}

}  // namespace

ByteSource::ByteSource(const std::string& path, Progress progress)
    : name_(path == "-" ? "standard input" : path), progress_(std::move(progress)), raw_(kRawBytes) {
  // A pipe without a writer would block the call that opens it.
  file_ = path == "-" ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file_ < 0)
    fail_read(name_, std::strerror(errno), errno == ENOENT ? "check the path; \"-\" reads standard input" : "");
  try {
    struct stat status{};
    if (fstat(file_, &status) == 0) {
      may_block_ = !S_ISREG(status.st_mode);
      if (S_ISDIR(status.st_mode)) fail_read(name_, "is a folder, not a file");
      // Standard input may have been read in part by another program.
      const off_t at = S_ISREG(status.st_mode) ? lseek(file_, 0, SEEK_CUR) : -1;
      if (at >= 0 && at < status.st_size) bytes_total_ = static_cast<std::uint64_t>(status.st_size - at);
    }
    while (pending_.size() < 2 && refill()) continue;
  } catch (...) {
    close(file_);
    throw;
  }
  look_for_gzip();
}

ByteSource::ByteSource(std::string name, std::string_view bytes)
    : name_(std::move(name)), bytes_read_(bytes.size()), bytes_total_(bytes.size()), raw_(bytes.begin(), bytes.end()) {
  pending_ = {raw_.data(), raw_.size()};
  look_for_gzip();
}

void ByteSource::look_for_gzip() {
  is_gzip_ = pending_.starts_with("\x1f\x8b");
  if (is_gzip_) inflateInit2(&zlib_, 15 + 16);
  is_in_member_ = is_gzip_;
}

ByteSource::~ByteSource() {
  if (is_gzip_) inflateEnd(&zlib_);
  if (file_ >= 0) close(file_);
}

void ByteSource::wait_for_bytes() const {
  for (pollfd waited{.fd = file_, .events = POLLIN, .revents = 0}; poll(&waited, 1, kPollMilliseconds) <= 0;)
    report(progress_, "reading", bytes_read_, bytes_total_);
}

bool ByteSource::refill() {
  if (file_ < 0) return false;
  if (!pending_.empty()) std::memmove(raw_.data(), pending_.data(), pending_.size());
  ssize_t got = 0;
  do {
    if (may_block_) wait_for_bytes();
    got = ::read(file_, raw_.data() + pending_.size(), raw_.size() - pending_.size());
  } while (got < 0 && (errno == EINTR || errno == EAGAIN));
  if (got < 0) fail_read(name_, std::strerror(errno));
  pending_ = {raw_.data(), pending_.size() + static_cast<std::size_t>(got)};
  bytes_read_ += static_cast<std::uint64_t>(got);
  if (got == 0 && bytes_read_ < bytes_total_)
    fail_read(name_, "ended after " + std::to_string(bytes_read_) + " of " + std::to_string(bytes_total_) +
                         " bytes: it was changed while it was read");
  return got > 0;
}

std::size_t ByteSource::take_raw(char* out, std::size_t n_bytes) {
  if (pending_.empty() && !refill()) return 0;
  const std::size_t n = std::min(n_bytes, pending_.size());
  std::memcpy(out, pending_.data(), n);
  pending_.remove_prefix(n);
  return n;
}

void ByteSource::fail_gzip(const std::string& what) const {
  throw Error("csv.gzip", name_ + ": " + what + " near byte " + std::to_string(bytes_read_ - pending_.size()),
              "check the file with gzip -t, or copy it again");
}

std::size_t ByteSource::inflate_some(char* out, std::size_t n_bytes) {
  if (pending_.empty() && !refill()) {
    if (is_in_member_) fail_gzip("the gzip data is truncated");
    return 0;
  }
  if (!is_in_member_) {
    inflateReset(&zlib_);
    is_in_member_ = true;
  }
  zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(pending_.data()));
  zlib_.avail_in = static_cast<uInt>(pending_.size());
  zlib_.next_out = reinterpret_cast<Bytef*>(out);
  zlib_.avail_out = static_cast<uInt>(std::min<std::size_t>(n_bytes, 1u << 30));
  const int status = inflate(&zlib_, Z_NO_FLUSH);
  pending_.remove_prefix(pending_.size() - zlib_.avail_in);
  if (status == Z_STREAM_END)
    is_in_member_ = false;
  else if (status != Z_OK && status != Z_BUF_ERROR)
    fail_gzip(std::string("the gzip data is damaged (") + (zlib_.msg ? zlib_.msg : "no reason given") + ")");
  return static_cast<std::size_t>(reinterpret_cast<char*>(zlib_.next_out) - out);
}

std::size_t ByteSource::read(char* out, std::size_t n_bytes) {
  std::size_t done = peeked_.copy(out, n_bytes, peeked_used_);
  peeked_used_ += done;
  while (done < n_bytes) {
    const bool is_at_end = pending_.empty() && !refill() && !is_in_member_;
    if (is_at_end) break;
    done += is_gzip_ ? inflate_some(out + done, n_bytes - done) : take_raw(out + done, n_bytes - done);
  }
  return done;
}

std::string_view ByteSource::peek(std::size_t n_bytes) {
  if (peeked_.size() < n_bytes) {
    std::string first(n_bytes, '\0');
    // Includes what was peeked before.
    first.resize(read(first.data(), n_bytes));
    peeked_ = std::move(first);
    peeked_used_ = 0;
  }
  return std::string_view(peeked_).substr(0, n_bytes);
}

}  // namespace sluice::io
