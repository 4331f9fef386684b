#pragma once
/// The files of a bundle's folder, which may be a stranger's. Not installed.
///
/// Thread-safety: the functions can be called from any thread; a CheckedFiles does not change.

#include <cstdint>
#include <filesystem>
#include <string>

#include "sluice/bundle/bundle.h"
#include "sluice/bundle/manifest.h"

namespace sluice::cascade {

/// Of all files of a bundle. What a manifest names beyond that is not read.
inline constexpr std::uint64_t kMaxBundleBytes = std::uint64_t{4} << 30;

/// The bytes of a file, which must be a regular one inside the folder after following links. Throws Error{bundle.link}
/// if a link leads out of the folder, Error{file.read} if the file is missing, is not a regular one, or has more than
/// `max_bytes`.
std::string read_bundle_file(const std::filesystem::path& folder, const std::string& path, std::uint64_t max_bytes);

/// The files of a bundle by path. The manifest is valid, and every file has the digest in it.
class CheckedFiles {
 public:
  /// Throws what read_manifest throws, and Error{bundle.missing_file, bundle.link, bundle.changed}.
  explicit CheckedFiles(const std::filesystem::path& folder);

  const Manifest& manifest() const { return manifest_; }
  const BundleFiles& files() const { return files_; }
  bool has(const std::string& path) const { return files_.contains(path); }
  /// Throws Error{bundle.missing_file}.
  const std::string& get(const std::string& path) const;
  std::string name(const std::string& path) const { return (folder_ / path).string(); }

 private:
  std::filesystem::path folder_;
  Manifest manifest_;
  BundleFiles files_;
};

}  // namespace sluice::cascade
