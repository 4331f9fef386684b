#pragma once
/// Data that the steps of a training exchange, and the steps. Not installed.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sluice/bundle/calibration.h"
#include "sluice/bundle/forest_signals.h"
#include "sluice/bundle/gain_model.h"
#include "sluice/cascade/forest_stage.h"
#include "sluice/training/dataset.h"
#include "sluice/training/train.h"

namespace sluice::training {

/// The rows of one part of the split and the stages' outputs for them. The network's are NaN if there is no network.
struct Part {
  Table rows;
  std::vector<float> labels;
  std::vector<dnn::PrefixMargins> staged;
  std::vector<float> signals;        // [rows, request.signals]; only for training and validation rows
  std::vector<std::size_t> numbers;  // row numbers in the data
  std::vector<double> p_forest, p_network;
  std::vector<float> gains;                   // expected by the gain model; empty if there is none
  std::vector<std::vector<double>> p_single;  // of ForestResult::by_level and best
  std::vector<float> network_margins;

  LabelledRows labelled() const { return {rows, labels}; }
};

struct Models {
  std::shared_ptr<const std::vector<gbdt::Forest>> forests;
  std::unique_ptr<cascade::ForestStage> forest_stage;
  std::shared_ptr<const cascade::ForestSignals> signals;  // null if the network reads none
  std::vector<std::string> forest_json;
  std::shared_ptr<const dnn::Network> network;  // null: none
  std::unique_ptr<cascade::NetworkStage> network_stage;
  std::string network_tensors;  // safetensors
  cascade::Calibration calibration;
  std::shared_ptr<const cascade::GainModel> gain;  // null: none
  std::string gain_json;
};

/// Whether the policy forwards row `i` of a part to the network.
bool is_forwarded(const cascade::Policy& policy, const Part& part, std::size_t i);

/// Sets part.staged, the forest's margins for the part's rows.
void score_forest(const Models& models, Part& part);
/// Sets the calibrated probabilities of both stages.
void score_probabilities(const Models& models, Part& part);

/// Trains the network stage on the out-of-fold margins and signals in `train.staged` and `train.signals`. Throws
/// Error{training.no_torch} in a build without LibTorch.
void train_network_stage(const TrainRequest& request, const Schema& schema, const Part& train, const Part& valid,
                         Models& models, TrainReport& report, const Progress& progress);

/// Chooses the cut-offs from the costs, and the band from the training rows (their forest probabilities are out of
/// fold) and the validation rows. Sets models.gain only if the policy's band has a min_gain.
cascade::Policy choose_policy(const TrainRequest& request, const Schema& schema, const Part& train, const Part& valid,
                              Models& models, TrainReport& report, const Progress& progress);

/// Appends to report.figures and sets report.share_of_cost_reduction, from the test part.
void evaluate(const cascade::Policy& policy, const Schema& schema, const Part& test, bool has_network,
              TrainReport& report);
/// The probabilities of one forest, calibrated on the validation rows.
std::vector<double> probabilities_of(const gbdt::Forest& forest, const Schema& schema, const Part& valid,
                                     const Part& part);
/// Appends the figures of a forest that is not served.
void evaluate_peer(const std::string& name, const std::vector<double>& p, const cascade::Policy& policy,
                   const Part& test, TrainReport& report);

/// Reference rows for explanations: "population", "approved_forest", "approved_network".
void add_backgrounds(const Schema& schema, const cascade::Policy& policy, const Part& train, const Part& valid,
                     std::uint64_t seed, cascade::BundleFiles& files);

}  // namespace sluice::training
