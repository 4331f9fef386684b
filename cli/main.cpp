#include "sluice/cli/verbs.h"

int main(int argc, char** argv) {
  using namespace sluice::cli;
  const std::vector<Verb> verbs = {
      {"train", "learn a cascade from labelled history and write a bundle", run_train},
      {"score", "decide every row of a table", run_score},
      {"backtest", "report what a bundle would have done over labelled history", run_backtest},
      {"explain", "explain one decision", run_explain},
      {"audit", "verify, prove, show, export, erase from and trim a decision log", run_audit},
      {"replay", "decide a log's records again and compare bit for bit", run_replay},
      {"experiment", "check plans, assign keys, report on arms from a decision log", run_experiment},
      {"review", "list decisions that wait for a person; record reviews", run_review},
      {"labels", "join a log's decisions with their outcomes", run_labels},
      {"rules", "check, test and evaluate rule sets", run_rules},
      {"policy", "check policies; report what a change would do", run_policy},
      {"bundle", "inspect, verify, create and promote bundles; encode rows", run_bundle},
      {"forest", "inspect and run a plain XGBoost or LightGBM model", run_forest},
      {"simulate", "write card transactions with fraud scenarios and drift", run_simulate},
      {"doctor", "report what this build and this machine can do", run_doctor},
  };
  return run_program("sluice", verbs, argc, argv);
}
