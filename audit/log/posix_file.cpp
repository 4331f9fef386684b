#include "sluice/audit/log/posix_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sluice/base/error.h"

namespace sluice::audit {

PosixFile::~PosixFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

PosixFile PosixFile::open_to_read(const std::filesystem::path& path) {
  PosixFile file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.descriptor_ < 0) throw Error("file.read", path.string() + ": " + std::strerror(errno));
  return file;
}

PosixFile PosixFile::open_to_write(const std::filesystem::path& path) {
  PosixFile file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file.descriptor_ < 0)
    throw Error("file.write", path.string() + ": " + std::strerror(errno),
                "check that the folder exists and can be written");
  return file;
}

PosixFile PosixFile::open_folder(const std::filesystem::path& path) {
  PosixFile file(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.descriptor_ < 0) throw Error("file.read", path.string() + ": " + std::strerror(errno));
  return file;
}

std::uint64_t PosixFile::size() const {
  struct stat status;
  if (fstat(descriptor_, &status) != 0)
    throw Error("file.read", std::string("cannot read the log: ") + std::strerror(errno));
  return static_cast<std::uint64_t>(status.st_size);
}

void PosixFile::require_unchanged(const std::filesystem::path& path, std::uint64_t min_size,
                                  std::uint64_t max_size) const {
  struct stat named, ours;
  if (stat(path.c_str(), &named) != 0 || fstat(descriptor_, &ours) != 0 || named.st_ino != ours.st_ino ||
      named.st_dev != ours.st_dev)
    throw Error("log.replaced", path.string() + ": the file was deleted or replaced while it was being written");
  const auto size = static_cast<std::uint64_t>(named.st_size);
  if (size < min_size || size > max_size)
    throw Error("log.replaced", path.string() + ": the file has " + std::to_string(size) + " bytes instead of " +
                                    std::to_string(min_size) + ": somebody else wrote it");
}

std::size_t PosixFile::read_at(char* out, std::size_t size, std::uint64_t offset) const {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n = pread(descriptor_, out + done, size - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Error("file.read", std::string("cannot read the log: ") + std::strerror(errno));
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

int PosixFile::write_at(std::string_view bytes, std::uint64_t offset) const {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : ENOSPC;
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return 0;
}

int PosixFile::sync() const { return fdatasync(descriptor_) == 0 ? 0 : errno; }
int PosixFile::truncate(std::uint64_t size) const {
  return ftruncate(descriptor_, static_cast<off_t>(size)) == 0 ? 0 : errno;
}
bool PosixFile::lock(Lock kind) const {
  while (flock(descriptor_, (kind == Lock::alone ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) throw Error("file.read", std::string("cannot lock the log: ") + std::strerror(errno));
  }
  return true;
}

void check_write(int error, const std::filesystem::path& path, const char* code) {
  if (error != 0) throw Error(code, path.string() + ": " + std::strerror(error));
}

int sync_folder(const std::filesystem::path& folder) {
  const PosixFile file(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return file.descriptor() >= 0 && fsync(file.descriptor()) == 0 ? 0 : errno;
}

}  // namespace sluice::audit
