// Writes, copies and verifies the folder of a bundle; bundle.cpp reads what is in it.
#include <unistd.h>

#include <algorithm>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/folder.h"
#include "sluice/bundle/bundle_files.h"

namespace sluice::cascade {
namespace {

namespace fs = std::filesystem;

/// A bundle has some twenty files in two levels. A folder with far more is not one, and is not walked to its end.
constexpr std::size_t kMaxEntries = kMaxBundleFiles + 1000;
constexpr int kMaxDepth = 16;

/// A new folder with these files; removed again if one cannot be written.
void write_folder(const fs::path& folder, const BundleFiles& files, const std::string& manifest) {
  try {
    fs::remove_all(folder);
    for (const auto& [path, bytes] : files) {
      fs::create_directories((folder / path).parent_path());
      write_file(folder / path, bytes);
    }
    write_file(folder / "manifest.json", manifest);
  } catch (const std::exception& e) {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    if (const auto* error = dynamic_cast<const Error*>(&e)) throw *error;
    throw Error("file.write", folder.string() + ": " + e.what());
  }
}

/// The paths that are in the folder and not in the manifest. Links are not followed.
std::vector<std::string> added_files(const fs::path& folder, const Manifest& manifest) {
  std::vector<std::string> added;
  std::size_t n_entries = 0;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (++n_entries > kMaxEntries || at.depth() > kMaxDepth)
      throw Error("bundle.too_many_files",
                  folder.string() + " has more than " + std::to_string(kMaxEntries) + " entries or " +
                      std::to_string(kMaxDepth) + " levels, so it is not a folder that was written as a bundle",
                  "copy the files that manifest.json names into a folder of their own");
    if (at->symlink_status(error).type() == fs::file_type::directory || error) continue;
    const std::string path = at->path().lexically_relative(folder).generic_string();
    if (path != "manifest.json" && !manifest.files.contains(path)) added.push_back(path);
  }
  if (error) throw Error("file.read", folder.string() + ": the folder cannot be listed: " + error.message());
  std::sort(added.begin(), added.end());
  return added;
}

FileCheck check_file(const fs::path& folder, const std::string& path, const std::string& expected) {
  FileCheck check{.path = path, .expected = expected, .found = {}, .fault = {}};
  std::error_code error;
  if (!fs::exists(fs::symlink_status(folder / path, error))) {
    check.fault = "missing";
    return check;
  }
  try {
    check.found = sha256(read_bundle_file(folder, path, kMaxBundleBytes)).hex();
    if (check.found != expected) check.fault = "changed";
  } catch (const Error& e) {
    check.fault = e.message();
  }
  return check;
}

}  // namespace

void check_bundle_target(const fs::path& folder) {
  if (fs::exists(folder) && !fs::exists(folder / "manifest.json"))
    throw Error("bundle.exists", folder.string() + " exists and is not a bundle", "choose another --out, or remove it");
  const fs::path parent = fs::absolute(folder / ".").lexically_normal().parent_path().parent_path();
  if (access(parent.c_str(), W_OK) != 0)
    throw Error("file.write", folder.string() + ": " + parent.string() + " does not exist or cannot be written",
                "create the folder, or choose another --out");
}

Digest write_bundle(const fs::path& folder, const BundleFiles& files, const Provenance& provenance) {
  check_bundle_target(folder);
  Manifest manifest{.files = {}, .provenance = provenance, .digest = {}};
  for (const auto& [path, bytes] : files) manifest.files[path] = sha256(bytes).hex();
  check_paths(manifest, folder.string());
  const fs::path target = folder.has_filename() ? folder : folder.parent_path();
  const fs::path partial = target.string() + ".partial-" + std::to_string(getpid());
  write_folder(partial, files, manifest_text(manifest));
  std::error_code error;
  fs::path replaced;
  try {
    replaced = put_folder(partial, target);
  } catch (const Error&) {
    fs::remove_all(partial, error);
    throw;
  }
  if (!replaced.empty()) fs::remove_all(replaced, error);
  if (error)
    throw Error("file.write",
                target.string() + " is written, but the bundle that it replaces cannot be removed: " +
                    replaced.string() + ": " + error.message(),
                "remove that folder");
  return manifest_digest(manifest);
}

void copy_bundle(const fs::path& from, const fs::path& to) {
  const CheckedFiles files(from);
  write_folder(to, files.files(), manifest_text(files.manifest()));
}

std::vector<FileCheck> verify_bundle(const fs::path& folder) {
  const Manifest manifest = read_manifest(folder);
  std::vector<FileCheck> checks;
  for (const auto& [path, digest] : manifest.files) checks.push_back(check_file(folder, path, digest));
  for (const auto& path : added_files(folder, manifest))
    checks.push_back({.path = path, .expected = {}, .found = {}, .fault = "not in the manifest"});
  return checks;
}

}  // namespace sluice::cascade
