#include "sluice/cli/verbs.h"

int main(int argc, char** argv) {
  using namespace sluice::cli;
  const std::vector<Verb> verbs = {
      {"train", "learn a cascade from labelled history and write a bundle", run_train},
      {"score", "decide every row of a table", run_score},
      {"backtest", "what a bundle would have done over labelled history", run_backtest},
      {"explain", "why one decision came out as it did", run_explain},
      {"audit", "verify, prove, show, export, erase and retain in a decision log", run_audit},
      {"replay", "decide a log's records again and compare bit for bit", run_replay},
      {"experiment", "check plans, assign keys, report on arms from a decision log", run_experiment},
      {"review", "what people made of decisions: the queue, and their answers", run_review},
      {"labels", "join a log's decisions with what became of them", run_labels},
      {"rules", "check, test and evaluate rule sets", run_rules},
      {"policy", "check policies, and what a change of policy would do", run_policy},
      {"bundle", "inspect, verify and create bundles", run_bundle},
      {"forest", "inspect and run a plain XGBoost model", run_forest},
      {"simulate", "card transactions with fraud scenarios and drift", run_simulate},
      {"doctor", "what this binary and this machine can do", run_doctor},
  };
  return run_program("sluice", verbs, argc, argv);
}
