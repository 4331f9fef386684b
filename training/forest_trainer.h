#pragma once
/// Trains the forest stage: a small random search, the mean of its best forests, and out-of-fold margins for the
/// network.
///
/// The same data, options and number of threads give the same bytes.
/// Thread-safety: calls are independent; each trains with its own `n_threads` threads.

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
  // Number of configurations to try: the default first, then random ones, which alternate between growth level by level
  // and leaf by leaf, and between categories as sets and as numbers. 1: no search.
  std::size_t n_search = 16;
  std::size_t n_bag = 8;     // forests to serve: the best of the better half of the search, then more seeds of them
  std::size_t n_folds = 10;  // for the out-of-fold margins
  bool serve_folds = false;  // serve the mean of the fold forests instead
  std::vector<dnn::ForestSignal> signals;  // computed out of fold (bundle/forest_signals.h)
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
  bool ordered =
      false;  // categories are numbers in the vocabulary's order, split at a threshold; if not, sets of words
};

struct ForestResult {
  std::vector<std::string> json;      // the served bag in XGBoost's JSON
  std::vector<gbdt::Forest> forests;  // the same, read back
  std::vector<dnn::PrefixMargins>
      out_of_fold;  // of each training row, from forests not trained on it, on the scale of the served margin
  std::vector<float> signals;               // [training rows, options.signals], from the same folds
  std::vector<ForestConfiguration> chosen;  // the best of the search, best first
  gbdt::Forest by_level;  // the best that grows level by level with sets of words: the usual result of tuning XGBoost
  gbdt::Forest best;      // the best of all
  std::vector<std::string> log;  // one line per configuration: its parameters and validation log-loss
};

/// Compares configurations by their log-loss on `valid`, each with early stopping there. Fold forests have the served
/// configurations (the best two if serve_folds) and stop early on their own fold. Throws Error{booster.*, interrupted}.
ForestResult train_forests(const Schema& schema, const LabelledRows& train, const LabelledRows& valid,
                           const ForestOptions& options, const Progress& progress = {});

/// XGBoost without search, early stopping or bag: `n_rounds` on the training rows, other parameters at their defaults.
/// The baseline of a report.
gbdt::Forest train_plain(const Schema& schema, const LabelledRows& train, std::size_t n_rounds, int max_depth,
                         double eta, int n_threads, const Progress& progress = {});

}  // namespace sluice::training
