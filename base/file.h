#pragma once
/// Reads whole files, and writes files that are either complete or absent.
/// Thread-safety: functions are thread-safe; an AtomicFile must be used by one thread at a time.

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

namespace sluice {

/// Throws Error{file.read} with the path and the system's reason.
std::string read_file(const std::filesystem::path& path);

/// A file written next to its final name and renamed by `commit`; deleted if it is not committed.
/// Every failure (missing folder, full disk) throws Error{file.write} with the path and the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::FILE* file_ = nullptr;
};

/// Writes `bytes` as one AtomicFile.
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace sluice
