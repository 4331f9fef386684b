#pragma once
/// manifest.json: the SHA-256 of every file, and where the bundle came from. Not installed.
///
/// The text is canonical (sorted keys, one space of indent), so that any changed byte in it is detected. The bundle's
/// digest is the SHA-256 of the same text without the digest's line.
/// Thread-safety: the functions are pure, except that read_manifest reads the file.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "sluice/base/digest.h"
#include "sluice/bundle/bundle.h"

namespace sluice::cascade {

inline constexpr int kBundleFormat = 1;
inline constexpr std::size_t kMaxBundleFiles = 4096;
inline constexpr std::uint64_t kMaxManifestBytes = 4 << 20;

struct Manifest {
  std::map<std::string, std::string> files;  // path to hexadecimal SHA-256
  Provenance provenance;
  Digest digest;
};

std::string manifest_text(const Manifest& manifest);  // computes the digest; `manifest.digest` is not read
Digest manifest_digest(const Manifest& manifest);

/// Throws Error{bundle.manifest} if there are more than kMaxBundleFiles, or if a path is not a plain one below the
/// bundle: relative, without "..", empty parts, control or invisible characters. `source` is for the message.
void check_paths(const Manifest& manifest, const std::string& source);

/// Throws Error{bundle.manifest} if the file is missing, malformed or larger than kMaxManifestBytes or fails
/// check_paths, Error{bundle.link} if it is a link out of the folder, Error{bundle.changed} if it was altered,
/// Error{bundle.format} if its format is newer.
Manifest read_manifest(const std::filesystem::path& folder);

}  // namespace sluice::cascade
