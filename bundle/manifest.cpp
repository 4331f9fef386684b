#include "sluice/bundle/manifest.h"

#include "sluice/base/error.h"
#include "sluice/base/json_fields.h"
#include "sluice/base/printable.h"
#include "sluice/bundle/bundle_files.h"

namespace sluice::cascade {
namespace {

Json without_digest(const Manifest& m) {
  return {{"format", kBundleFormat},     {"files", m.files},
          {"label", m.provenance.label}, {"data_sha256", m.provenance.data_digest},
          {"seed", m.provenance.seed},   {"libraries", m.provenance.libraries}};
}

constexpr std::size_t kMaxPath = 1024;

/// One spelling for each file: no empty part, no ".", no "/" at the end.
bool is_plain(const std::string& file) {
  const std::filesystem::path path(file);
  return path.has_filename() && path.lexically_normal().native() == file;
}

}  // namespace

Digest manifest_digest(const Manifest& manifest) { return sha256(without_digest(manifest).dump(1)); }

std::string manifest_text(const Manifest& manifest) {
  Json json = without_digest(manifest);
  json["digest"] = "sha256:" + manifest_digest(manifest).hex();
  return json.dump(1) + "\n";
}

void check_paths(const Manifest& manifest, const std::string& source) {
  if (manifest.files.size() > kMaxBundleFiles)
    throw Error("bundle.manifest", source + ": a bundle has at most " + std::to_string(kMaxBundleFiles) + " files");
  for (const auto& [file, digest] : manifest.files) {
    if (file.empty() || file.front() == '/' || file.find("..") != std::string::npos)
      throw Error("bundle.manifest", source + ": the file name \"" + file + "\" leads out of the bundle");
    if (file.size() > kMaxPath || printable(file) != file || file == "manifest.json" || !is_plain(file))
      throw Error("bundle.manifest", source + ": the file name \"" + printable(file) + "\" is not allowed in a bundle");
  }
}

Manifest read_manifest(const std::filesystem::path& folder) {
  const auto path = folder / "manifest.json";
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    throw Error("bundle.manifest", folder.string() + ": there is no manifest.json, so this is not a bundle");
  const std::string text = read_bundle_file(folder, "manifest.json", kMaxManifestBytes);
  const Json json = parse_json(text, path.string(), "bundle.manifest");
  if (!json.is_object() || !json.contains("format") || !json["format"].is_number_integer())
    throw Error("bundle.manifest", path.string() + ": the manifest has no format number");
  if (json["format"] > kBundleFormat)
    throw Error("bundle.format", path.string() + ": the bundle's format is newer than this program",
                "use a newer sluice");
  Manifest manifest;
  try {
    manifest.files = json.at("files").get<std::map<std::string, std::string>>();
    manifest.provenance = {json.at("label"), json.at("data_sha256"), json.at("seed"),
                           json.at("libraries").get<std::map<std::string, std::string>>()};
  } catch (const Json::exception& e) {
    throw Error("bundle.manifest", path.string() + ": " + e.what());
  }
  check_paths(manifest, path.string());
  if (manifest_text(manifest) != text)
    throw Error("bundle.changed", path.string() + " was altered: its digest does not match its text",
                "restore the bundle from its source");
  manifest.digest = manifest_digest(manifest);
  return manifest;
}

}  // namespace sluice::cascade
