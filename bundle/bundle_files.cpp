#include "sluice/bundle/bundle_files.h"

#include <algorithm>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/file.h"

namespace sluice::cascade {
namespace {

namespace fs = std::filesystem;

bool is_below(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

}  // namespace

std::string read_bundle_file(const fs::path& folder, const std::string& path, std::uint64_t max_bytes) {
  std::error_code error;
  const fs::path root = fs::canonical(folder, error), file = error ? root : fs::canonical(folder / path, error);
  if (error) throw Error("file.read", (folder / path).string() + ": " + error.message());
  if (!is_below(file, root))
    throw Error("bundle.link", (folder / path).string() + " is a link that leads out of the bundle",
                "put the file itself into the bundle");
  return read_file(file, max_bytes);
}

CheckedFiles::CheckedFiles(const fs::path& folder) : folder_(folder), manifest_(read_manifest(folder)) {
  std::uint64_t left = kMaxBundleBytes;
  for (const auto& [path, digest] : manifest_.files) {
    std::string bytes;
    try {
      bytes = read_bundle_file(folder, path, left);
    } catch (const Error& error) {
      if (error.code() != "file.read") throw;
      throw Error("bundle.missing_file", name(path) + " is in the manifest but cannot be read: " + error.message(),
                  "restore the bundle from its source");
    }
    left -= bytes.size();
    if (sha256(bytes).hex() != digest)
      throw Error("bundle.changed", name(path) + " was altered: its SHA-256 is not the one in the manifest",
                  "restore the bundle from its source");
    files_[path] = std::move(bytes);
  }
}

const std::string& CheckedFiles::get(const std::string& path) const {
  const auto it = files_.find(path);
  if (it == files_.end()) throw Error("bundle.missing_file", name(path) + " is not in the bundle");
  return it->second;
}

}  // namespace sluice::cascade
