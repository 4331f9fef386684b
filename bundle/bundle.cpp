#include "sluice/bundle/bundle.h"

#include <utility>

#include "sluice/base/error.h"
#include "sluice/bundle/bundle_files.h"
#include "sluice/gbdt/load_xgboost.h"

namespace sluice::cascade {
namespace {

namespace fs = std::filesystem;

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

Bundle Bundle::load(const fs::path& folder, const BundleOptions& options) {
  const CheckedFiles files(folder);
  Bundle bundle;
  bundle.plugins = options.plugins;
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

}  // namespace sluice::cascade
