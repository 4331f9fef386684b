#include "sluice/bundle/bundle.h"

#include <unistd.h>

#include <set>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/bundle/manifest.h"
#include "sluice/gbdt/load_xgboost.h"

namespace sluice::cascade {
namespace {

namespace fs = std::filesystem;

/// The files of a bundle by path. The manifest is valid, and every file has the digest in it.
class CheckedFiles {
 public:
  explicit CheckedFiles(const fs::path& folder) : folder_(folder), manifest_(read_manifest(folder)) {
    for (const auto& [path, digest] : manifest_.files) {
      std::string bytes;
      try {
        bytes = read_file(folder / path);
      } catch (const Error&) {
        throw Error("bundle.missing_file", (folder / path).string() + " is in the manifest but cannot be read",
                    "restore the bundle from its source");
      }
      if (sha256(bytes).hex() != digest)
        throw Error("bundle.changed",
                    (folder / path).string() + " was altered: its SHA-256 is not the one in the manifest",
                    "restore the bundle from its source");
      files_[path] = std::move(bytes);
    }
  }

  const Manifest& manifest() const { return manifest_; }
  const BundleFiles& files() const { return files_; }
  bool has(const std::string& path) const { return files_.contains(path); }
  const std::string& get(const std::string& path) const {
    const auto it = files_.find(path);
    if (it == files_.end()) throw Error("bundle.missing_file", name(path) + " is not in the bundle");
    return it->second;
  }
  std::string name(const std::string& path) const { return (folder_ / path).string(); }

 private:
  fs::path folder_;
  Manifest manifest_;
  BundleFiles files_;
};

/// forest.json, or a bag: forest-0.json, forest-1.json, …
std::shared_ptr<const std::vector<gbdt::Forest>> read_forests(const CheckedFiles& files) {
  auto bag = std::make_shared<std::vector<gbdt::Forest>>();
  if (files.has("forest.json")) bag->push_back(gbdt::load_xgboost(files.get("forest.json"), files.name("forest.json")));
  for (std::size_t k = 0; bag->size() == k && files.has("forest-" + std::to_string(k) + ".json"); ++k) {
    const std::string path = "forest-" + std::to_string(k) + ".json";
    bag->push_back(gbdt::load_xgboost(files.get(path), files.name(path)));
  }
  if (bag->empty()) throw Error("bundle.missing_file", files.name("forest.json") + " is not in the bundle");
  return bag;
}

std::optional<rules::RuleSet> read_rules(const CheckedFiles& files, const Schema& schema, rules::Phase phase) {
  const std::string path = std::string("rules/") + rules::to_string(phase) + ".json";
  if (!files.has(path)) return std::nullopt;
  rules::CompileResult compiled =
      rules::RuleSet::compile(files.get(path), files.name(path), schema, phase,
                              [&](const std::string& name) { return files.get("rules/" + name); });
  throw_if_errors(compiled.diagnostics);
  return std::move(compiled.rules);
}

/// Reads network.json with network.safetensors, or with the file that it names.
void read_network(const CheckedFiles& files, Bundle& bundle) {
  const std::string &json = files.get("network.json"), name = files.name("network.json");
  if (!dnn::is_imported(json)) {
    bundle.network =
        std::make_shared<dnn::Network>(dnn::Network::load(json, files.get("network.safetensors"), bundle.schema, name));
    if (bundle.network->n_outputs() != 1)
      throw Error("network.outputs",
                  name + ": the network has " + std::to_string(bundle.network->n_outputs()) +
                      " outputs; a cascade decides between two classes",
                  "use a network with one output; dnn/executor.h runs the others");
    return;
  }
  dnn::ImportedNetwork network = dnn::read_imported(json, bundle.schema, name);
  network.bytes = files.get(network.file);
  bundle.imported = std::make_shared<dnn::ImportedNetwork>(std::move(network));
}

/// Checks that a native network gives the sample's margins on this machine's CPU. Engines check any network on the
/// device that serves it.
void read_parity(const CheckedFiles& files, Bundle& bundle) {
  if (bundle.imported && !files.has("parity.json"))
    throw Error("bundle.parity", files.name("parity.json") + " is not in the bundle, but its network is imported",
                "write the bundle with sluice bundle create, which adds it");
  if (!files.has("parity.json")) return;
  const std::string name = files.name("parity.json");
  bundle.parity = dnn::read_parity_sample(files.get("parity.json"), *bundle.encoder(), name);
  if (bundle.network) dnn::require_parity(*dnn::make_executor(bundle.network, dnn::Device::cpu), *bundle.parity, name);
}

void check(const Bundle& bundle, const fs::path& folder) {
  if (bundle.schema.late_columns().size() > kMaxLateColumns)
    throw Error("bundle.late_columns",
                folder.string() + ": the schema has more than " + std::to_string(kMaxLateColumns) + " late columns");
  bundle.check_policy_fits();
  if (!bundle.schema.late_columns().empty() && !bundle.encoder())
    throw Error("bundle.late_columns",
                folder.string() + ": the schema has late columns, but the bundle has no network to read them");
}

std::set<std::string> files_in(const fs::path& folder) {
  std::set<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (!entry.is_directory()) paths.insert(fs::relative(entry.path(), folder).generic_string());
  return paths;
}

}  // namespace

const dnn::Encoder* Bundle::encoder() const {
  if (network) return &network->encoder();
  return imported ? &imported->encoder : nullptr;
}

void Bundle::check_policy_fits() const {
  if (policy.asks_gain() && !gain)
    throw Error("policy.min_gain", "the band has a min_gain, but the bundle has no gain.json",
                "remove min_gain from the band, or add the gain.json that it was set with (bundle create --gain)");
}

std::vector<std::string> Bundle::warnings() const {
  std::vector<std::string> out;
  for (std::size_t k = 0; k < forests->size(); ++k)
    for (const std::string& warning : (*forests)[k].warnings)
      out.push_back("forest " + std::to_string(k) + ": " + warning);
  if (gain)
    for (const std::string& warning : gain->warnings()) out.push_back("gain.json: " + warning);
  return out;
}

Bundle Bundle::load(const fs::path& folder) {
  const CheckedFiles files(folder);
  Bundle bundle;
  bundle.digest = files.manifest().digest;
  bundle.label = files.manifest().provenance.label;
  bundle.schema = Schema::from_json(files.get("schema.json"), files.name("schema.json"));
  bundle.forests = read_forests(files);
  if (files.has("network.json")) {
    read_network(files, bundle);
    read_parity(files, bundle);
  }
  if (files.has("gain.json"))
    bundle.gain = std::make_shared<const GainModel>(gbdt::load_xgboost(files.get("gain.json"), files.name("gain.json")),
                                                    bundle.schema);
  bundle.calibration = Calibration::from_json(files.get("calibration.json"), files.name("calibration.json"));
  bundle.policy = parse_policy(files.get("policy.json"), files.name("policy.json"));
  bundle.pre = read_rules(files, bundle.schema, rules::Phase::pre);
  bundle.fallback = read_rules(files, bundle.schema, rules::Phase::fallback);
  bundle.post = read_rules(files, bundle.schema, rules::Phase::post);
  for (const auto& [path, bytes] : files.files())
    if (path.starts_with("backgrounds/")) bundle.backgrounds[fs::path(path).stem().string()] = bytes;
  if (files.has("train_report.json")) bundle.train_report = files.get("train_report.json");
  check(bundle, folder);
  return bundle;
}

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
  Manifest manifest{.provenance = provenance};
  fs::path partial = folder;
  if (!partial.has_filename()) partial = partial.parent_path();
  const fs::path target = partial;
  partial += ".partial-" + std::to_string(getpid());
  try {
    fs::remove_all(partial);
    for (const auto& [path, bytes] : files) {
      fs::create_directories((partial / path).parent_path());
      write_file(partial / path, bytes);
      manifest.files[path] = sha256(bytes).hex();
    }
    write_file(partial / "manifest.json", manifest_text(manifest));
    fs::path replaced = target;
    replaced += ".replaced-" + std::to_string(getpid());
    if (fs::exists(target)) fs::rename(target, replaced);
    fs::rename(partial, target);
    fs::remove_all(replaced);
  } catch (const std::exception& e) {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
    if (const auto* error = dynamic_cast<const Error*>(&e)) throw *error;
    throw Error("file.write", target.string() + ": " + e.what());
  }
  return manifest_digest(manifest);
}

std::vector<FileCheck> verify_bundle(const fs::path& folder) {
  const Manifest manifest = read_manifest(folder);
  std::vector<FileCheck> checks;
  for (const auto& [path, digest] : manifest.files) {
    std::error_code error;
    const bool is_there = fs::is_regular_file(folder / path, error);
    checks.push_back({path, digest, is_there ? sha256(read_file(folder / path)).hex() : ""});
  }
  for (const auto& path : files_in(folder))
    if (path != "manifest.json" && !manifest.files.contains(path))
      checks.push_back({path, "", sha256(read_file(folder / path)).hex()});
  return checks;
}

}  // namespace sluice::cascade
