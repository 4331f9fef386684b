#pragma once
/// Trains the forest stage: a small random search, then one forest or a bag of fold forests, with out-of-fold margins
/// for the network.
///
/// The same data, options and number of threads give the same bytes.

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/progress.h"
#include "sluice/base/schema.h"
#include "sluice/dnn/encoder.h"
#include "sluice/gbdt/booster.h"
#include "sluice/gbdt/forest.h"

namespace sluice::training {

struct ForestOptions {
  // Configurations tried: the default first, then random ones, in turns level by level and leaf by leaf. 1 is no
  // search.
  std::size_t n_search = 8;
  std::size_t n_folds = 5;   // of the bag, and of the out-of-fold margins
  bool serve_bag = false;    // serve the mean of the fold forests; false: of forests refitted on all training rows
  std::size_t n_refits = 5;  // of each kind, by seed
  std::size_t max_rounds = 1000;
  std::size_t early_stopping_rounds = 40;
  std::uint64_t seed = 1;
  int n_threads = 1;
};

/// Rows in schema order, with labels.
struct LabelledRows {
  const Table& rows;
  const std::vector<float>& labels;
};

struct ForestResult {
  std::vector<std::string> json;      // the bag as served, in XGBoost's JSON
  std::vector<gbdt::Forest> forests;  // the same, read back
  std::vector<dnn::StagedMargins>
      out_of_fold;  // of the training rows, each from the fold that did not see it, on the served margin's scale
  /// The best of the search, level by level and, with a search, leaf by leaf; the bag has fold forests of each.
  std::vector<gbdt::TrainOptions> chosen;
  std::vector<gbdt::Forest> single;  // the same configurations on all training rows, stopped early on `valid`
  std::vector<std::string> log;      // a line a configuration: its parameters and validation log-loss
};

/// Configurations are compared by log-loss on `valid`, each stopped early there; the fold forests stop early on their
/// own fold. Throws Error{booster.*, interrupted}.
ForestResult train_forests(const Schema& schema, const LabelledRows& train, const LabelledRows& valid,
                           const ForestOptions& options, const Progress& progress = {});

/// XGBoost without a search, early stopping or a bag: `n_rounds` on the training rows, its other parameters at their
/// defaults. The peer that a report names.
gbdt::Forest train_plain(const Schema& schema, const LabelledRows& train, std::size_t n_rounds, int max_depth,
                         double eta, int n_threads, const Progress& progress = {});

}  // namespace sluice::training
