#include <iostream>

#include "sluice/base/file.h"
#include "sluice/bundle/policy.h"
#include "sluice/cli/options.h"
#include "sluice/cli/verbs.h"
#include "sluice/cli/verbs/policy_diff.h"

namespace sluice::cli {
namespace {

int check_policy(const Arguments& arguments) {
  std::vector<std::string> files;
  Options options("policy check", "Checks policies: reports every fault, each with its JSON pointer.",
                  "sluice policy check examples/thresholds.json");
  options.positionals("FILE", files, "policy files");
  if (!options.parse(arguments)) return 0;
  bool sound = true;
  for (const auto& file : files) {
    const auto checked = cascade::check_policy(read_file(file), file);
    for (const auto& diagnostic : checked.diagnostics) std::cout << to_string(diagnostic) << "\n";
    if (checked.policy) std::cout << file << ": ok, version " << checked.policy->version << "\n";
    sound = sound && checked.policy;
  }
  return sound ? 0 : kFound;
}

}  // namespace

int run_policy(const Arguments& arguments) {
  return dispatch(
      "sluice policy",
      {{"check", "check policies; report faults with JSON pointers", check_policy},
       {"diff", "report what another policy would change, over rows or over a decision log", run_policy_diff}},
      arguments);
}

}  // namespace sluice::cli
