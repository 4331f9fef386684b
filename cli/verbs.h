#pragma once
/// The verbs of `sluice`, one file each. A verb returns the exit code: 0 if done, 3 if a check found something. It
/// throws Error (exit code 1) if it fails and UsageError (exit code 2) if it was called wrongly.

#include <filesystem>
#include <string>
#include <vector>

namespace sluice::cli {

using Arguments = std::vector<std::string>;

/// The exit code of a verb whose check found something.
inline constexpr int kFound = 3;

int run_audit(const Arguments& arguments);
int run_backtest(const Arguments& arguments);
int run_bundle(const Arguments& arguments);
int run_doctor(const Arguments& arguments);
int run_experiment(const Arguments& arguments);
int run_explain(const Arguments& arguments);
int run_forest(const Arguments& arguments);
int run_labels(const Arguments& arguments);
int run_policy(const Arguments& arguments);
int run_replay(const Arguments& arguments);
int run_review(const Arguments& arguments);
int run_rules(const Arguments& arguments);
int run_score(const Arguments& arguments);
int run_simulate(const Arguments& arguments);
int run_train(const Arguments& arguments);

/// The program sluice-train next to this one; empty if it is absent. `sluice train` runs it, so that `sluice` itself
/// loads neither LibTorch nor libxgboost and starts in milliseconds.
std::filesystem::path train_program();

struct Verb {
  const char* name;
  const char* summary;
  int (*run)(const Arguments&);
};

/// Runs the verb that the first argument names, or prints the usage of `verbs`. `program` is the prefix in messages:
/// "sluice" or "sluice rules".
int dispatch(const std::string& program, const std::vector<Verb>& verbs, const Arguments& arguments);

/// The body of main: dispatch, with exceptions turned into messages and exit codes.
int run_program(const std::string& program, const std::vector<Verb>& verbs, int argc, char** argv);

}  // namespace sluice::cli
