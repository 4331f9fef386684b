#include <filesystem>
#include <iostream>
#include <memory>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/json_text.h"
#include "sluice/cascade/bundle.h"
#include "sluice/cascade/engine.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/terminal.h"
#include "sluice/cli/verbs.h"

namespace sluice::cli {
namespace {

constexpr int kFound = 3;

std::string rules_text(const std::optional<rules::RuleSet>& rules) {
  return rules ? rules->name() + " version " + std::to_string(rules->version()) + ", " + std::to_string(rules->size()) +
                     " rules"
               : "none";
}

int inspect(const Arguments& arguments) {
  std::string folder;
  CommonOptions common;
  Options options("bundle inspect", "What is inside a bundle.", "sluice bundle inspect bundle");
  options.positional("BUNDLE", folder, "folder of the bundle");
  common.add_json(options);
  if (!options.parse(arguments)) return 0;
  const auto bundle = cascade::Bundle::load(folder);
  std::size_t n_trees = 0;
  for (const auto& forest : *bundle.forests) n_trees += forest.n_trees();
  const auto& band = bundle.policy.band;
  if (common.json) {
    std::string text;
    JsonText json(text);
    json.open('{')
        .field("digest", "sha256:" + bundle.digest.hex())
        .field("label", std::string_view(bundle.label))
        .field("columns", std::uint64_t{bundle.schema.size()});
    json.field("forest_columns", std::uint64_t{bundle.schema.forest_columns().size()})
        .field("late_columns", std::uint64_t{bundle.schema.late_columns().size()});
    json.field("forests", std::uint64_t{bundle.forests->size()})
        .field("trees", std::uint64_t{n_trees})
        .field("network", bundle.network != nullptr)
        .key("band");
    if (band)
      json.open('{').field("low", band->low).field("high", band->high).field("closed", band->closed).close('}');
    else
      json.null();
    json.field("policy_version", bundle.policy.version).key("backgrounds").open('[');
    for (const auto& [name, bytes] : bundle.backgrounds) json.value(std::string_view(name));
    json.close(']').close('}');
    std::cout << text << "\n";
    return 0;
  }
  std::cout << "digest       sha256:" << bundle.digest.hex() << "\nlabel        " << bundle.label << "\ncolumns      "
            << bundle.schema.size() << ": " << bundle.schema.forest_columns().size() << " for the forest, "
            << bundle.schema.late_columns().size() << " late\nforest       " << n_trees << " trees in "
            << bundle.forests->size() << (bundle.forests->size() == 1 ? " model" : " models") << "\nnetwork      "
            << (bundle.network ? std::to_string(bundle.network->members().size()) + " members" : "none")
            << "\nband         "
            << (band ? "[" + fixed(band->low, 4) + ", " + fixed(band->high, 4) + (band->closed ? "]" : ")") : "off")
            << "\npolicy       version " << bundle.policy.version << "\npre rules    " << rules_text(bundle.pre)
            << "\nfallback     " << rules_text(bundle.fallback) << "\npost rules   " << rules_text(bundle.post)
            << "\nbackgrounds ";
  for (const auto& [name, bytes] : bundle.backgrounds) std::cout << " " << name;
  std::cout << "\n";
  return 0;
}

/// Whether a bundle of sound files loads, and its network gives the margins of its parity sample again.
bool loads(const std::string& folder) {
  try {
    const auto bundle = std::make_shared<cascade::Bundle>(cascade::Bundle::load(folder));
    const cascade::Engine engine(bundle);  // holds the network against its parity sample
    if (bundle->parity)
      std::cout << "parity: " << bundle->parity->margins.size() << " margins of the network are given again\n";
    else if (bundle->network)
      std::cout << "parity: the bundle stores no margins of its network\n";
    return true;
  } catch (const Error& error) {
    std::cout << error.code() << ": " << error.message() << "\n";
    return false;
  }
}

int verify(const Arguments& arguments) {
  std::string folder;
  Options options("bundle verify",
                  "Every file of a bundle against its manifest, and its network against the margins it gave where the "
                  "bundle was written. Exit code 3 where one differs.",
                  "sluice bundle verify bundle");
  options.positional("BUNDLE", folder, "folder of the bundle");
  if (!options.parse(arguments)) return 0;
  bool sound = true;
  for (const auto& check : cascade::verify_bundle(folder)) {
    const char* verdict = check.ok()               ? "ok"
                          : check.found.empty()    ? "missing"
                          : check.expected.empty() ? "not in the manifest"
                                                   : "changed";
    std::cout << check.path << ": " << verdict << "\n";
    sound = sound && check.ok();
  }
  return sound && loads(folder) ? 0 : kFound;
}

/// network.json, its weights and the margins that it gives here.
void add_network(const std::string& network, const std::string& weights, cascade::BundleFiles& files) {
  files["network.json"] = read_file(network);
  files["network.safetensors"] = read_file(weights);
  const Schema schema = Schema::from_json(files["schema.json"], "schema.json");
  const auto loaded = std::make_shared<dnn::Network>(
      dnn::Network::load(files["network.json"], files["network.safetensors"], schema, network));
  files["parity.json"] =
      dnn::to_json(dnn::take_parity_sample(*dnn::make_executor(loaded, dnn::Device::cpu), loaded->encoder()));
}

int create(const Arguments& arguments) {
  std::string forest, schema, network, weights, policy, rules, calibration, label, out;
  Options options(
      "bundle create", "A bundle from an existing XGBoost model, and a network where there is one.",
      "sluice bundle create --forest bundle/forest-0.json --schema bundle/schema.json --network bundle/network.json "
      "--weights bundle/network.safetensors --policy examples/thresholds.json --out my_bundle");
  options.required("--forest", forest, "XGBoost JSON model")
      .required("--schema", schema, "schema of the rows")
      .required("--policy", policy, "policy")
      .required("--out", out, "folder of the bundle");
  options.text("--network", network, "network.json")
      .text("--weights", weights, "network.safetensors")
      .text("--calibration", calibration, "calibration.json; the margins' own link without it");
  options.text("--rules", rules, "folder with pre.json, fallback.json, post.json")
      .text("--label", label, "name of what the model predicts");
  if (!options.parse(arguments)) return 0;
  if (network.empty() != weights.empty()) throw UsageError("sluice bundle create: --network and --weights go together");

  cascade::BundleFiles files = {{"schema.json", Schema::from_json(read_file(schema), schema).to_json()},
                                {"forest.json", read_file(forest)},
                                {"policy.json", read_file(policy)}};
  files["calibration.json"] = calibration.empty() ? cascade::Calibration{}.to_json() : read_file(calibration);
  if (!network.empty()) add_network(network, weights, files);
  for (const char* name : {"pre.json", "fallback.json", "post.json"})
    if (const auto path = std::filesystem::path(rules) / name; !rules.empty() && std::filesystem::exists(path))
      files[std::string("rules/") + name] = read_file(path);
  // What is written is loaded once more before it gets its name, so that a bundle that exists is a bundle that works.
  const std::string trial = out + ".trial";
  try {
    cascade::write_bundle(trial, files, {.label = label});
    const cascade::Engine engine(std::make_shared<cascade::Bundle>(cascade::Bundle::load(trial)));
  } catch (...) {
    std::filesystem::remove_all(trial);
    throw;
  }
  std::filesystem::remove_all(trial);
  const Digest digest = cascade::write_bundle(out, files, {.label = label});
  std::cout << out << "  sha256:" << digest.hex() << "\n";
  return 0;
}

}  // namespace

int run_bundle(const Arguments& arguments) {
  return dispatch("sluice bundle",
                  {{"inspect", "what is inside", inspect},
                   {"verify", "all hashes, and the network's margins", verify},
                   {"create", "from an existing XGBoost model and network", create}},
                  arguments);
}

}  // namespace sluice::cli
