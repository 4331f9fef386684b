#pragma once
/// An owned file descriptor. Not installed.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <utility>

namespace sluice::audit {

class PosixFile {
 public:
  PosixFile() = default;
  explicit PosixFile(int descriptor) : descriptor_(descriptor) {}
  ~PosixFile();
  PosixFile(PosixFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  PosixFile& operator=(PosixFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

  /// Throws Error{file.read}.
  static PosixFile open_to_read(const std::filesystem::path& path);
  /// Created if absent. Throws Error{file.write}.
  static PosixFile open_to_write(const std::filesystem::path& path);
  /// A folder, to lock it. Throws Error{file.read}.
  static PosixFile open_folder(const std::filesystem::path& path);

  int descriptor() const { return descriptor_; }
  /// Returns the number of bytes read, less than `size` only at the end of the file. Throws Error{file.read}.
  std::size_t read_at(char* out, std::size_t size, std::uint64_t offset) const;

  // These return 0 or the system's error code; the caller decides how to continue.
  int write_at(std::string_view bytes, std::uint64_t offset) const;
  int sync() const;
  int truncate(std::uint64_t size) const;
  /// In bytes. Throws Error{file.read}.
  std::uint64_t size() const;
  /// Throws Error{log.replaced} unless `path` still names this file and its size is in the range: somebody else wrote,
  /// replaced or deleted it.
  void require_unchanged(const std::filesystem::path& path, std::uint64_t min_size, std::uint64_t max_size) const;

  /// Locks the file or folder without waiting, alone or with others that share it. False if another process holds a
  /// lock that excludes this one. Throws Error{file.read} if the system cannot lock.
  enum class Lock { alone, shared };
  bool lock(Lock kind) const;

 private:
  int descriptor_ = -1;
};

/// Throws Error{code} with the file's path for a system's error code other than 0.
void check_write(int error, const std::filesystem::path& path, const char* code = "file.write");

/// Makes the names in a folder durable; returns 0 or the system's error code.
int sync_folder(const std::filesystem::path& folder);

}  // namespace sluice::audit
