#include "sluice/bundle/manifest.h"

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/json_fields.h"

namespace sluice::cascade {
namespace {

Json without_digest(const Manifest& m) {
  return {{"format", kBundleFormat},     {"files", m.files},
          {"label", m.provenance.label}, {"data_sha256", m.provenance.data_digest},
          {"seed", m.provenance.seed},   {"libraries", m.provenance.libraries}};
}

}  // namespace

Digest manifest_digest(const Manifest& manifest) { return sha256(without_digest(manifest).dump(1)); }

std::string manifest_text(const Manifest& manifest) {
  Json json = without_digest(manifest);
  json["digest"] = "sha256:" + manifest_digest(manifest).hex();
  return json.dump(1) + "\n";
}

Manifest read_manifest(const std::filesystem::path& folder) {
  const auto path = folder / "manifest.json";
  if (!std::filesystem::exists(path))
    throw Error("bundle.manifest", folder.string() + ": there is no manifest.json, so this is not a bundle");
  const std::string text = read_file(path);
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
  for (const auto& [file, digest] : manifest.files)
    if (file.empty() || file.front() == '/' || file.find("..") != std::string::npos)
      throw Error("bundle.manifest", path.string() + ": the file name \"" + file + "\" leads out of the bundle");
  if (manifest_text(manifest) != text)
    throw Error("bundle.changed", path.string() + " was altered: its digest does not match its text",
                "restore the bundle from its source");
  manifest.digest = manifest_digest(manifest);
  return manifest;
}

}  // namespace sluice::cascade
