#pragma once
/// manifest.json: every file's SHA-256 and where the bundle came from. Not installed.
///
/// The text is canonical (sorted keys, one space of indent), so that a changed byte anywhere in it is seen: the
/// bundle's digest is the SHA-256 of the same text without the digest's line.

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

std::string manifest_text(const Manifest& manifest);  // sets the digest's line; `manifest.digest` is not read
Digest manifest_digest(const Manifest& manifest);

/// Throws Error{bundle.manifest} where the file is missing, altered or of a newer format.
Manifest read_manifest(const std::filesystem::path& folder);

}  // namespace sluice::cascade
