#pragma once
/// Everything that `sluice train` does: from a labelled table to a bundle.
///
/// Rows are split 60 / 20 / 20. The forest and the network learn from the first part (the network from out-of-fold
/// margins); calibration, early stopping, band and cut-offs use the second; the report's figures come from the third,
/// the held-out rows. The same data, options, libraries, number of threads and kernels of the libraries
/// (docs/training.md) give the same bundle digest.
/// Thread-safety: one call of `train` at a time, because training sets the number of LibTorch's threads.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/progress.h"
#include "sluice/bundle/bundle.h"
#include "sluice/bundle/costs.h"
#include "sluice/dnn/train/trainer.h"
#include "sluice/training/band_search.h"
#include "sluice/training/forest_trainer.h"
#include "sluice/training/infer_schema.h"

namespace sluice::training {

struct TrainRequest {
  std::string data;      // path
  InferOptions columns;  // label, id, time, drop, late, protected
  std::string positive;  // the label's text that counts as 1
  std::string split;     // a column with train, valid or test; empty: the split is random, or by time
  std::optional<std::filesystem::path> schema, policy, rules, forest;  // given instead of learnt; `rules` is a folder
  bool with_network = true;
  bool with_baseline = false;  // also train XGBoost without tuning (300 trees of depth 6), for the report
  std::optional<cascade::Costs>
      costs;  // none: a false negative costs (1 - bad rate) / bad rate, and the band is chosen by log-loss
  ForestOptions forest_options;
  dnn::TrainerOptions network_options;
  std::vector<dnn::ForestSignal> signals;  // read by the network in addition to the margins (bundle/forest_signals.h)
  dnn::OnEpoch on_epoch;                   // after each epoch of the network, one at a time; may be empty
  BandOptions band;
  std::uint64_t seed = 1;
};

/// Figures of one way to score the held-out rows.
struct Figures {
  std::string name;  // "forest", "network", "cascade", "plain XGBoost"
  double auc = 0, log_loss = 0, calibration_error = 0;
  double cost = 0;  // mean per row, with the policy's L0 cut-offs, forwarding included
  double share_forwarded = 0;
};

struct TrainReport {
  std::size_t n_train = 0, n_valid = 0, n_test = 0;
  double bad_rate = 0;
  std::vector<Figures> figures;  // on the test rows
  std::optional<double>
      share_of_cost_reduction;  // the cascade's part of what the network for all rows saves over the forest alone
  BandChoice band;              // as chosen on the training and validation rows
  cascade::Costs costs;
  std::vector<std::string> search_log, warnings;
  std::vector<std::size_t> network_epochs;                     // best epoch of each member; 0 if training did not help
  std::vector<std::vector<dnn::EpochReport>> network_history;  // of each member, epoch by epoch

  std::string to_json() const;
};

/// The stages' calibrated probabilities of one row; NaN if there is no such stage. On training rows the forest's margin
/// is out of fold, those of the single forests and of the network are not.
struct RowScores {
  std::size_t row = 0;    // its number in the data
  const char* part = "";  // "train", "valid", "test"
  float label = 0;
  double p_single = 0, p_best = 0;  // of the best forest that grows level by level, and of the best forest
  double p_forest = 0, p_network = 0;
  bool is_forwarded = false;
};

struct TrainResult {
  cascade::BundleFiles files;
  cascade::Provenance provenance;
  TrainReport report;
  std::vector<std::size_t> held_out;  // numbers of the test rows, ascending: for a backtest on held-out rows
  std::vector<RowScores> scores;      // of all rows, part by part
};

/// Throws Error{schema.*, data.*, rows.*, csv.*, booster.*, training.*, policy.*, rules.*, interrupted}. Writes
/// nothing.
TrainResult train(const TrainRequest& request, const Progress& progress = {});

/// Sets the request's options from a train.json ({"forest": {…}, "network": {…}, "band": {…}}). Throws
/// Error{train_config.*} with every fault.
void apply_config(std::string_view json, std::string_view source, TrainRequest& request);

}  // namespace sluice::training
