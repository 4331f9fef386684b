#include "sluice/base/file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "sluice/base/error.h"

namespace sluice {
namespace {

constexpr int kMaxLinks = 40;
constexpr std::uint64_t kMaxCall = 1 << 30;  // bytes of one call of the system
constexpr std::size_t kBufferBytes = 1 << 16;

[[noreturn]] void fail_read(const std::filesystem::path& path, const std::string& why) {
  throw Error("file.read", path.string() + ": " + why);
}

[[noreturn]] void fail_write(const std::filesystem::path& path, int reason) {
  throw Error("file.write", path.string() + ": " + std::strerror(reason),
              reason == ENOSPC ? "the disk is full; nothing was left under the final name"
                               : "check that the folder exists and can be written");
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

/// What the path names after following symbolic links; the last one may name a file that does not exist.
std::filesystem::path without_links(std::filesystem::path path) {
  std::error_code error;
  for (int n = 0; n < kMaxLinks && std::filesystem::is_symlink(path, error); ++n) {
    const auto next = std::filesystem::read_symlink(path, error);
    if (error) fail_write(path, error.value());
    path = next.is_absolute() ? next : path.parent_path() / next;
  }
  if (std::filesystem::is_symlink(path, error)) fail_write(path, ELOOP);
  return path;
}

std::string random_digits() {
  std::uint64_t number = 0;
  if (getrandom(&number, sizeof number, 0) != sizeof number)
    throw Error("file.write", "the system cannot provide random bytes");
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (; text.size() < 16; number >>= 4) text += kDigits[number & 15];
  return text;
}

}  // namespace

std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  // A pipe without a writer would block the call that opens it.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (file.number() < 0 || fstat(file.number(), &status) != 0) fail_read(path, std::strerror(errno));
  if (S_ISDIR(status.st_mode)) fail_read(path, "is a folder, not a file");
  if (!S_ISREG(status.st_mode)) fail_read(path, "is not a regular file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > max_bytes)
    fail_read(path, "has " + std::to_string(size) + " bytes; at most " + std::to_string(max_bytes) + " are read");
  std::string bytes(static_cast<std::size_t>(size), '\0');
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = read(file.number(), bytes.data() + done, std::min<std::uint64_t>(bytes.size() - done, kMaxCall));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_read(path, std::strerror(errno));
    if (n == 0)
      fail_read(path, "ended after " + std::to_string(done) + " of " + std::to_string(size) +
                          " bytes: it was changed while it was read");
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

AtomicFile::AtomicFile(std::filesystem::path path, Mode mode) : path_(std::move(path)), target_(without_links(path_)) {
  struct stat status{};
  const bool exists = stat(target_.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) fail_write(path_, EISDIR);
  if (exists && !S_ISREG(status.st_mode)) {
    file_ = open(target_.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    temporary_ = target_.string() + ".partial-" + random_digits();
    file_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                 mode == Mode::owner_only ? 0600 : 0666);
    if (file_ >= 0 && exists && mode == Mode::usual) static_cast<void>(fchmod(file_, status.st_mode & 07777));
  }
  if (file_ < 0) fail_write(path_, errno);
}

AtomicFile::~AtomicFile() {
  if (file_ < 0) return;
  close(file_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
  buffer_ += bytes;
  if (buffer_.size() >= kBufferBytes) flush();
}

void AtomicFile::flush() {
  for (std::string_view left = buffer_; !left.empty();) {
    const ssize_t n = ::write(file_, left.data(), std::min<std::uint64_t>(left.size(), kMaxCall));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_write(path_, errno);
    left.remove_prefix(static_cast<std::size_t>(n));
  }
  buffer_.clear();
}

void AtomicFile::commit() {
  flush();
  if (!temporary_.empty() && fsync(file_) != 0) fail_write(path_, errno);
  const int closed = close(std::exchange(file_, -1));
  if (temporary_.empty()) return;
  if (closed != 0 || std::rename(temporary_.c_str(), target_.c_str()) != 0) {
    const int reason = errno;
    unlink(temporary_.c_str());
    fail_write(path_, reason);
  }
}

void write_file(const std::filesystem::path& path, std::string_view bytes, AtomicFile::Mode mode) {
  AtomicFile file(path, mode);
  file.write(bytes);
  file.commit();
}

}  // namespace sluice
