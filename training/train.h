#pragma once
/// The whole of `sluice train`: a labelled table to a bundle.
///
/// Rows are split 60 / 20 / 20: the forest and the network learn from the first part (the network from out-of-fold
/// margins), calibration, early stopping, band and cut-offs come from the second, and the figures of the report from
/// the third, which nothing has seen. The same data, options, libraries and number of threads give the same bundle
/// digest.

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
  std::string split;     // a column that says train, valid or test; empty: the split is random, or by time
  std::optional<std::filesystem::path> schema, policy, rules, forest;  // given instead of learnt; `rules` is a folder
  bool with_network = true;
  bool with_baseline = false;  // also train XGBoost as it comes (300 trees of depth 6), for the report
  std::optional<cascade::Costs>
      costs;  // none: a false negative costs (1 - bad rate) / bad rate, the band follows the log-loss
  ForestOptions forest_options;
  dnn::TrainerOptions network_options;
  std::vector<dnn::ForestSignal> signals;  // that the network reads beside the margins (bundle/forest_signals.h)
  dnn::OnEpoch on_epoch;                   // after each epoch of the network, one at a time; may be empty
  BandOptions band;
  std::uint64_t seed = 1;
};

/// Figures of one way to score the held-out rows.
struct Figures {
  std::string name;  // "forest", "network", "cascade", "plain XGBoost"
  double auc = 0, log_loss = 0, calibration_error = 0;
  double cost = 0;  // mean a row, with the policy's cut-offs, forwarding included
  double share_forwarded = 0;
};

struct TrainReport {
  std::size_t n_train = 0, n_valid = 0, n_test = 0;
  double bad_rate = 0;
  std::vector<Figures> figures;  // on the test rows
  std::optional<double>
      share_of_cost_reduction;  // of what the network for all rows saves over the forest alone, the cascade's part
  BandChoice band;              // as found on the validation rows
  cascade::Costs costs;
  std::vector<std::string> search_log, warnings;
  std::vector<std::size_t> network_epochs;  // best epoch of each member; 0 where training did not help
  std::vector<std::vector<dnn::EpochReport>> network_history;  // of each member, epoch by epoch

  std::string to_json() const;
};

/// What the stages say of one row, after calibration; NaN where a stage is not there. On training rows the forest's
/// margin is out of fold, the single forests' and the network's are not.
struct RowScores {
  std::size_t row = 0;    // its number in the data
  const char* part = "";  // "train", "valid", "test"
  float label = 0;
  double p_single = 0, p_best = 0;  // of the best forest that grows level by level, and of the best of all
  double p_forest = 0, p_network = 0;
  bool is_forwarded = false;
};

struct TrainResult {
  cascade::BundleFiles files;
  cascade::Provenance provenance;
  TrainReport report;
  std::vector<std::size_t> held_out;  // numbers of the test rows, ascending: what an honest backtest runs on
  std::vector<RowScores> scores;      // of all rows, part by part
};

/// Throws Error{schema.*, data.*, rows.*, csv.*, booster.*, training.*, policy.*, rules.*, interrupted}. Writes
/// nothing.
TrainResult train(const TrainRequest& request, const Progress& progress = {});

/// The request's numbers from a train.json ({"forest": {…}, "network": {…}, "band": {…}}); throws Error{train_config.*}
/// with every fault.
void apply_config(std::string_view json, std::string_view source, TrainRequest& request);

}  // namespace sluice::training
