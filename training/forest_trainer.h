#pragma once
/// Trains the forest stage: a small random search, the mean of its best forests, and out-of-fold margins for the
/// network.
///
/// The same data, options and number of threads give the same bytes.

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/progress.h"
#include "sluice/base/schema.h"
#include "sluice/dnn/encoder.h"
#include "sluice/gbdt/forest.h"
#include "sluice/gbdt/train/booster.h"

namespace sluice::training {

struct ForestOptions {
  // Configurations tried: the default first, then random ones, in turns level by level and leaf by leaf, and with
  // categories as sets and as numbers. 1 is no search.
  std::size_t n_search = 16;
  std::size_t n_bag = 8;     // forests served: the best of the better half of the search, and more seeds of them
  std::size_t n_folds = 10;  // of the out-of-fold margins
  bool serve_folds = false;  // serve the mean of the fold forests instead
  std::vector<dnn::ForestSignal> signals;  // to be given out of fold (bundle/forest_signals.h)
  std::size_t max_rounds = 1500;
  std::size_t early_stopping_rounds = 40;
  std::uint64_t seed = 1;
  int n_threads = 1;
};

/// Rows in schema order, with labels.
struct LabelledRows {
  const Table& rows;
  const std::vector<float>& labels;
};

/// One way to grow a forest.
struct ForestConfiguration {
  gbdt::TrainOptions options;
  bool ordered = false;  // categories are numbers in the vocabulary's order, split at a threshold; else sets of words
};

struct ForestResult {
  std::vector<std::string> json;      // the bag as served, in XGBoost's JSON
  std::vector<gbdt::Forest> forests;  // the same, read back
  std::vector<dnn::PrefixMargins>
      out_of_fold;  // of the training rows, each from the fold that did not see it, on the served margin's scale
  std::vector<float> signals;               // [training rows, options.signals], from the same folds
  std::vector<ForestConfiguration> chosen;  // the best of the search, best first
  gbdt::Forest by_level;  // the best that grows level by level with sets of words: what tuning XGBoost usually gives
  gbdt::Forest best;      // the best of all
  std::vector<std::string> log;  // a line a configuration: its parameters and validation log-loss
};

/// Configurations are compared by log-loss on `valid`, each stopped early there; the fold forests, of the
/// configurations that are served (of the best two where they are served themselves), stop early on their own fold.
/// Throws Error{booster.*, interrupted}.
ForestResult train_forests(const Schema& schema, const LabelledRows& train, const LabelledRows& valid,
                           const ForestOptions& options, const Progress& progress = {});

/// XGBoost without a search, early stopping or a bag: `n_rounds` on the training rows, its other parameters at their
/// defaults. The peer that a report names.
gbdt::Forest train_plain(const Schema& schema, const LabelledRows& train, std::size_t n_rounds, int max_depth,
                         double eta, int n_threads, const Progress& progress = {});

}  // namespace sluice::training
