#include "sluice/audit/log/posix_file.h"

#include <fcntl.h>
#include <sys/file.h>
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
bool PosixFile::lock() const { return flock(descriptor_, LOCK_EX | LOCK_NB) == 0; }

int sync_folder(const std::filesystem::path& folder) {
  const PosixFile file(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return file.descriptor() >= 0 && fsync(file.descriptor()) == 0 ? 0 : errno;
}

}  // namespace sluice::audit
