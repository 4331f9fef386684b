#include "sluice/base/file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "sluice/base/error.h"

namespace sluice {
namespace {

[[noreturn]] void fail_write(const std::filesystem::path& path, int reason) {
  throw Error("file.write", path.string() + ": " + std::strerror(reason),
              reason == ENOSPC ? "the disk is full; nothing was left under the final name"
                               : "check that the folder exists and can be written");
}

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw Error("file.read", path.string() + ": is a folder, not a file");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error("file.read", path.string() + ": " + std::strerror(errno));
  std::ostringstream bytes;
  bytes << in.rdbuf();
  if (in.bad()) throw Error("file.read", path.string() + ": reading failed");
  return std::move(bytes).str();
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), temporary_(path_) {
  temporary_ += ".partial-" + std::to_string(getpid());
  file_ = std::fopen(temporary_.c_str(), "wb");
  if (!file_) fail_write(path_, errno);
}

AtomicFile::~AtomicFile() {
  if (!file_) return;
  std::fclose(file_);
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void AtomicFile::write(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) fail_write(path_, errno);
}

void AtomicFile::commit() {
  if (std::fflush(file_) != 0 || fsync(fileno(file_)) != 0) fail_write(path_, errno);
  std::fclose(std::exchange(file_, nullptr));
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int reason = errno;
    std::error_code ignored;
    std::filesystem::remove(temporary_, ignored);
    fail_write(path_, reason);
  }
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace sluice
