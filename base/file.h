#pragma once
/// Whole files in, and files out that are either complete or absent.

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

namespace sluice {

/// Throws Error{file.read} naming the path and the system's reason.
std::string read_file(const std::filesystem::path& path);

/// A file written beside its final name and renamed by `commit`; dropped unless committed. Not thread-safe.
/// Every failure (no such folder, full disk) throws Error{file.write} naming the path and the system's reason.
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

/// Writes the whole of `bytes` as an AtomicFile.
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace sluice
