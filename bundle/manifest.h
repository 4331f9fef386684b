#pragma once
/// manifest.json: the SHA-256 of every file, and where the bundle came from. Not installed.
///
/// The text is canonical (sorted keys, one space of indent), so that any changed byte in it is detected. The bundle's
/// digest is the SHA-256 of the same text without the digest's line.
/// Thread-safety: the functions are pure, except that read_manifest reads the file.

#include <filesystem>
#include <map>
#include <string>

#include "sluice/base/digest.h"
#include "sluice/bundle/bundle.h"

namespace sluice::cascade {

inline constexpr int kBundleFormat = 1;

struct Manifest {
  std::map<std::string, std::string> files;  // path to hexadecimal SHA-256
  Provenance provenance;
  Digest digest;
};

std::string manifest_text(const Manifest& manifest);  // computes the digest; `manifest.digest` is not read
Digest manifest_digest(const Manifest& manifest);

/// Throws Error{bundle.manifest} if the file is missing or malformed, Error{bundle.changed} if it was altered,
/// Error{bundle.format} if its format is newer.
Manifest read_manifest(const std::filesystem::path& folder);

}  // namespace sluice::cascade
