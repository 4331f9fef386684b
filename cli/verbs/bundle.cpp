#include <cmath>
#include <iostream>
#include <memory>

#include "sluice/base/error.h"
#include "sluice/base/json_text.h"
#include "sluice/base/printable.h"
#include "sluice/bundle/bundle.h"
#include "sluice/cascade/bundle_stage.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/verbs.h"
#include "sluice/cli/verbs/bundle_create.h"
#include "sluice/cli/verbs/bundle_encode.h"
#include "sluice/cli/verbs/bundle_promote.h"

namespace sluice::cli {
namespace {

std::string rules_text(const std::optional<rules::RuleSet>& rules) {
  return rules ? rules->name() + " version " + std::to_string(rules->version()) + ", " + std::to_string(rules->size()) +
                     " rules"
               : "none";
}

std::string network_text(const cascade::Bundle& bundle) {
  if (bundle.network) return std::to_string(bundle.network->members().size()) + " members";
  return bundle.imported ? bundle.imported->file + ", code for the runtime " + bundle.imported->runtime : "none";
}

int inspect_bundle(const Arguments& arguments) {
  std::string folder;
  CommonOptions common;
  Options options("bundle inspect", "Shows the contents of a bundle.", "sluice bundle inspect bundle");
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
        .field("network", bundle.encoder() != nullptr)
        .key("band");
    if (band)
      json.open('{')
          .field("low", band->low)
          .field("high", band->high)
          .field("closed", band->closed)
          .field("min_gain", band->min_gain.value_or(std::nan("")))
          .close('}');
    else
      json.null();
    json.field("policy_version", bundle.policy.version).key("backgrounds").open('[');
    for (const auto& [name, bytes] : bundle.backgrounds) json.value(std::string_view(name));
    json.close(']').key("warnings").open('[');
    for (const std::string& warning : bundle.warnings()) json.value(std::string_view(warning));
    json.close(']').close('}');
    std::cout << text << "\n";
    return 0;
  }
  std::cout << "digest       sha256:" << bundle.digest.hex() << "\nlabel        " << bundle.label << "\ncolumns      "
            << bundle.schema.size() << ": " << bundle.schema.forest_columns().size() << " for the forest, "
            << bundle.schema.late_columns().size() << " late\nforest       " << n_trees << " trees in "
            << bundle.forests->size() << (bundle.forests->size() == 1 ? " model" : " models") << "\nnetwork      "
            << network_text(bundle) << "\nband         " << (band ? to_string(*band) : "off")
            << "\npolicy       version " << bundle.policy.version << "\npre rules    " << rules_text(bundle.pre)
            << "\nfallback     " << rules_text(bundle.fallback) << "\npost rules   " << rules_text(bundle.post)
            << "\nbackgrounds ";
  for (const auto& [name, bytes] : bundle.backgrounds) std::cout << " " << name;
  std::cout << "\n";
  for (const std::string& warning : bundle.warnings()) std::cout << "warning      " << warning << "\n";
  return 0;
}

/// Compares the network with its parity sample. An imported network is code, and is run only if that is allowed.
void check_network(const cascade::Bundle& bundle) {
  if (bundle.imported && bundle.plugins.empty()) {
    std::cout << "parity: not checked: " << network_text(bundle) << " is not run without --allow-plugins DIR\n";
    return;
  }
  cascade::make_bundle_stage(bundle, bundle.policy.network.device);
  if (bundle.parity)
    std::cout << "parity: " << bundle.parity->margins.size() << " margins of the network reproduced\n";
  else if (bundle.encoder())
    std::cout << "parity: not checked: the bundle stores no margins of its network\n";
}

/// Whether a bundle whose files are intact loads, its network reproduces the margins of its parity sample, and all
/// methods of its forests give the same margins.
bool loads(const std::string& folder, const CommonOptions& common) {
  try {
    const auto bundle = load_bundle(folder, common);
    check_network(*bundle);
    const std::vector<std::string> warnings = all_warnings(*bundle, *make_bundle_forest(*bundle));
    for (const std::string& warning : warnings) std::cout << printable(warning) << "\n";
    return warnings.empty();
  } catch (const Error& error) {
    std::cout << error.code() << ": " << printable(error.message(), true) << "\n";
    return false;
  }
}

int verify_bundle(const Arguments& arguments) {
  std::string folder;
  CommonOptions common;
  Options options("bundle verify",
                  "Compares every file of a bundle with its manifest, its network with the margins it gave when the "
                  "bundle was written, and the fast methods of its forests with the plain walk. An imported network "
                  "is run only with --allow-plugins. Exit code 3 if one differs.",
                  "sluice bundle verify bundle");
  options.positional("BUNDLE", folder, "folder of the bundle");
  common.add_plugins(options);
  if (!options.parse(arguments)) return 0;
  bool sound = true;
  for (const auto& check : cascade::verify_bundle(folder)) {
    std::cout << printable(check.path) << ": " << (check.ok() ? "ok" : printable(check.fault)) << "\n";
    sound = sound && check.ok();
  }
  return sound && loads(folder, common) ? 0 : kFound;
}

}  // namespace

int run_bundle(const Arguments& arguments) {
  return dispatch("sluice bundle",
                  {{"inspect", "show its contents", inspect_bundle},
                   {"verify", "verify all hashes and the models' margins", verify_bundle},
                   {"create", "make one from an existing XGBoost model and network", create_bundle},
                   {"promote", "replace another bundle if it does better", promote_bundle},
                   {"encode", "write rows as the network reads them", encode_rows}},
                  arguments);
}

}  // namespace sluice::cli
