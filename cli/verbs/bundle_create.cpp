#include "sluice/cli/verbs/bundle_create.h"

#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/json_fields.h"
#include "sluice/bundle/bundle.h"
#include "sluice/cascade/engine.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/options.h"
#include "sluice/dnn/parity_sample.h"
#include "sluice/rules/ruleset.h"

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

struct CreateRequest {
  std::string forest, schema, policy, out;
  std::string network, weights, encoder, runtime;
  double tolerance = dnn::kImportedTolerance;
  CommonOptions common;
  std::string gain, rules, calibration, label;

  bool imports() const { return !encoder.empty(); }
};

bool parse(const Arguments& arguments, CreateRequest& request) {
  Options options(
      "bundle create", "Makes a bundle from an existing XGBoost model and, optionally, a network.",
      "sluice bundle create --forest bundle/forest-0.json --schema bundle/schema.json --network bundle/network.json "
      "--weights bundle/network.safetensors --policy examples/thresholds.json --out my_bundle");
  options.required("--forest", request.forest, "XGBoost JSON model")
      .required("--schema", request.schema, "schema.json of the rows")
      .required("--policy", request.policy, "policy.json")
      .required_output("--out", request.out, "output folder of the bundle");
  options.text("--network", request.network, "network.json, or another runtime's file with --encoder")
      .text("--weights", request.weights, "network.safetensors, the weights of a network.json")
      .text("--encoder", request.encoder,
            "encoder of an imported network's rows: a network.json or the file of bundle encode --fit")
      .text("--runtime", request.runtime,
            "runtime of an imported network; default: torchscript for *.pt, aotinductor for *.pt2")
      .number("--tolerance", request.tolerance, "largest relative difference of its margins in later loads");
  request.common.add_plugins(options);
  options.text("--gain", request.gain, "gain.json: XGBoost model of the expected saving by the network")
      .text("--calibration", request.calibration, "calibration.json; default: the link of the margins")
      .text("--rules", request.rules, "folder with pre.json, fallback.json, post.json")
      .text("--label", request.label, "name of the label that the model predicts");
  if (!options.parse(arguments)) return false;
  const bool is_paired = request.network.empty() ? request.weights.empty() && request.encoder.empty()
                                                 : request.weights.empty() != request.encoder.empty();
  if (!is_paired) throw UsageError("sluice bundle create: --network needs --weights, or --encoder if it is imported");
  return true;
}

dnn::ParitySample sample_of(std::unique_ptr<dnn::Executor> executor, const dnn::Encoder& encoder, double tolerance) {
  return dnn::take_parity_sample(*executor, encoder, tolerance);
}

/// Adds network.json, its weights and the margins that it gives on this machine.
void add_own_network(const CreateRequest& request, const Schema& schema, cascade::BundleFiles& files) {
  files["network.json"] = read_file(request.network);
  files["network.safetensors"] = read_file(request.weights);
  const auto network = std::make_shared<dnn::Network>(
      dnn::Network::load(files["network.json"], files["network.safetensors"], schema, request.network));
  files["parity.json"] = to_json(sample_of(dnn::make_executor(network, dnn::Device::cpu), network->encoder(), 0));
}

/// The encoder of a network.json of any kind.
dnn::Encoder read_encoder(const std::string& path, const Schema& schema) {
  const Json json = parse_json(read_file(path), path, "network.json");
  if (!json.is_object() || !json.contains("encoder"))
    throw Error("network.encoder", path + ": the file has no encoder", "give the network.json of a bundle");
  return dnn::Encoder::from_json(json["encoder"].dump(), schema, path);
}

std::string runtime_of(const CreateRequest& request) {
  if (!request.runtime.empty()) return request.runtime;
  const auto ending = fs::path(request.network).extension();
  if (ending == ".pt") return "torchscript";
  if (ending == ".pt2") return "aotinductor";
  throw UsageError("sluice bundle create: expected --runtime: " + request.network + " is neither *.pt nor *.pt2");
}

void add_imported_network(const CreateRequest& request, const Schema& schema, cascade::BundleFiles& files) {
  dnn::ImportedNetwork network;
  network.encoder = read_encoder(request.encoder, schema);
  network.runtime = runtime_of(request);
  const std::string ending = fs::path(request.network).extension().string();
  network.file = "network" + (ending.size() < 2 || ending == ".json" ? ".bin" : ending);
  network.bytes = read_file(request.network);
  files["network.json"] = to_json(network, schema);
  files[network.file] = network.bytes;
  files["parity.json"] = to_json(
      sample_of(dnn::make_imported_executor(network, request.common.plugins), network.encoder, request.tolerance));
}

/// Adds the rule sets that the folder has, and the lists that they name.
void add_rules(const fs::path& folder, const Schema& schema, cascade::BundleFiles& files) {
  for (const auto phase : {rules::Phase::pre, rules::Phase::fallback, rules::Phase::post}) {
    const std::string name = std::string(rules::to_string(phase)) + ".json";
    if (!fs::exists(folder / name)) continue;
    files["rules/" + name] = read_file(folder / name);
    const auto read_beside = [&](const std::string& list) { return files["rules/" + list] = read_file(folder / list); };
    throw_if_errors(
        rules::RuleSet::compile(files["rules/" + name], (folder / name).string(), schema, phase, read_beside)
            .diagnostics);
  }
}

cascade::BundleFiles files_of(const CreateRequest& request) {
  const Schema schema = Schema::from_json(read_file(request.schema), request.schema);
  cascade::BundleFiles files = {{"schema.json", schema.to_json()},
                                {"forest.json", read_file(request.forest)},
                                {"policy.json", read_file(request.policy)}};
  files["calibration.json"] =
      request.calibration.empty() ? cascade::Calibration{}.to_json() : read_file(request.calibration);
  if (request.imports())
    add_imported_network(request, schema, files);
  else if (!request.network.empty())
    add_own_network(request, schema, files);
  if (!request.gain.empty()) files["gain.json"] = read_file(request.gain);
  if (!request.rules.empty()) add_rules(request.rules, schema, files);
  return files;
}

/// Writes the bundle under a temporary name and loads it, so that a bundle under its final name works.
void try_out(const CreateRequest& request, const cascade::BundleFiles& files) {
  const std::string trial = request.out + ".trial";
  try {
    cascade::write_bundle(trial, files, {.label = request.label});
    const cascade::Engine engine(load_bundle(trial, request.common));
    print_warnings(engine);
  } catch (...) {
    fs::remove_all(trial);
    throw;
  }
  fs::remove_all(trial);
}

}  // namespace

int create_bundle(const Arguments& arguments) {
  CreateRequest request;
  if (!parse(arguments, request)) return 0;
  const cascade::BundleFiles files = files_of(request);
  try_out(request, files);
  const Digest digest = cascade::write_bundle(request.out, files, {.label = request.label});
  std::cout << request.out << "  sha256:" << digest.hex() << "\n";
  return 0;
}

}  // namespace sluice::cli
