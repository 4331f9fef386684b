#pragma once
/// Trains forests with libxgboost, and gives libxgboost's own predictions as the reference of the parity tests.
///
/// Needs a build with XGBoost (target sluice::gbdt_booster). Every failure of libxgboost is Error{booster.xgboost} with
/// its text.
/// Thread-safety: calls of `train` are independent; a ReferenceBooster must be used by one thread at a time.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/progress.h"

namespace sluice::gbdt {

/// XGBoost's parameters under XGBoost's names and defaults, unless a comment says otherwise.
struct TrainOptions {
  std::string objective = "binary:logistic";
  std::size_t n_classes = 0;  // multi:* only
  std::string eval_metric = "logloss";
  std::size_t n_rounds = 300;
  /// Stop after this number of rounds without a better metric on `valid`; 0: off.
  std::size_t early_stopping_rounds = 0;

  int max_depth = 6;   // 0: no limit
  int max_leaves = 0;  // above 0 trees grow leaf by leaf, the largest gain first; 0: level by level
  double eta = 0.3;
  double subsample = 1;
  double colsample_bytree = 1;
  double colsample_bylevel = 1;
  double min_child_weight = 1;
  double lambda = 1;
  double alpha = 0;
  double gamma = 0;
  double scale_pos_weight = 1;
  std::optional<double> base_score;  // a prediction, before the link; XGBoost's default otherwise

  std::string tree_method = "hist";
  int max_bin = 256;
  int max_cat_to_onehot = 4;  // features with fewer categories are split one against the rest
  std::vector<int> monotone;  // -1, 0 or +1 per feature; empty for none

  std::uint64_t seed = 0;
  int n_threads = 1;  // the same data, options, seed and thread count give the same bytes
  std::vector<std::pair<std::string, std::string>> extra;  // further XGBoost parameters, set last
};

/// Views: the memory must outlive the call. NaN is missing.
struct TrainData {
  BatchView rows;
  std::span<const float> labels;
  std::span<const float> weights;  // empty: all 1
  std::vector<bool> is_category;   // one per column, or empty: all numeric. Categories are whole numbers in [0, 2^24)
  std::vector<std::string> names;  // one per column, or empty
};

struct TrainedForest {
  std::string json;                // XGBoost JSON, as load_xgboost reads it
  std::size_t best_iteration = 0;  // the last round kept, from 0
  double best_metric = 0;          // on `valid`, else on the training data
};

/// Trains. With `valid` and early_stopping_rounds only the rounds up to the best one are kept: the JSON is exactly the
/// model that is served. Throws Error{booster.*} before training: booster.shape, booster.options, booster.infinite and
/// booster.category (with row and feature), booster.label, booster.weight, booster.one_class. Throws Error{interrupted}
/// if `progress` returns false.
TrainedForest train(const TrainData& train, const TrainData* valid, const TrainOptions& options,
                    const Progress& progress = {});

/// libxgboost's own predictions of a model. Not thread-safe.
class ReferenceBooster {
 public:
  /// Throws Error{booster.xgboost} if libxgboost rejects the model.
  explicit ReferenceBooster(std::string_view json, int n_threads = 1);
  ~ReferenceBooster();
  ReferenceBooster(ReferenceBooster&&) noexcept;
  ReferenceBooster& operator=(ReferenceBooster&&) noexcept;

  /// [n_rows, n_groups]. `last_round` is the number of rounds to use; 0 means all.
  std::vector<float> margins(BatchView rows, std::size_t last_round = 0) const;
  std::vector<float> predictions(BatchView rows) const;
  /// Margins from a DMatrix: the only way for gblinear, and the reference bits for DART. Infinite cells are rejected.
  std::vector<float> matrix_margins(BatchView rows) const;
  /// [n_rows, n_groups, n_features + 1]. Here and in `leaves` libxgboost rejects infinite cells.
  std::vector<float> contribs(BatchView rows) const;
  /// As `contribs`, Saabas's approximation.
  std::vector<float> approximate_contribs(BatchView rows) const;
  /// [n_rows, n_groups, n_features + 1, n_features + 1].
  std::vector<float> interactions(BatchView rows) const;
  /// [n_rows, n_trees].
  std::vector<std::int32_t> leaves(BatchView rows) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string xgboost_version();  // "1.7.4"

}  // namespace sluice::gbdt
