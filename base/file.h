#pragma once
/// Reads whole files, and writes files that are either complete or absent.
/// Thread-safety: functions are thread-safe; an AtomicFile must be used by one thread at a time.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace sluice {

/// The whole of a regular file. A read error, a file that is shorter than its size, and one of more than `max_bytes`
/// are errors, never a shorter text. Throws Error{file.read} with the path and the system's reason.
inline constexpr std::uint64_t kMaxFileBytes = std::uint64_t{4} << 30;
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes = kMaxFileBytes);

/// A file written under a random name next to its final one and renamed by `commit`; deleted if it is not committed. A
/// symbolic link's target is replaced, not the link; the mode of a file that is replaced is kept; a device or a pipe is
/// written in place.
/// Every failure (missing folder, full disk) throws Error{file.write} with the path and the system's reason.
class AtomicFile {
 public:
  enum class Mode { usual, owner_only };  // of a new file: what the umask leaves, or 0600
  explicit AtomicFile(std::filesystem::path path, Mode mode = Mode::usual);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  void commit();

 private:
  void flush();

  std::filesystem::path path_;
  std::filesystem::path target_;     // `path_` without symbolic links
  std::filesystem::path temporary_;  // empty if the target is written in place
  std::string buffer_;
  int file_ = -1;
};

/// Writes `bytes` as one AtomicFile.
void write_file(const std::filesystem::path& path, std::string_view bytes,
                AtomicFile::Mode mode = AtomicFile::Mode::usual);

}  // namespace sluice
