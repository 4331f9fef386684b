#pragma once
/// Random forests with corner cases that trained forests rarely have, written as XGBoost JSON, and the simplest oracle
/// for them.
///
/// The oracle uses the generator's own trees: it shares no code and no data structure with gbdt/.

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/random.h"

namespace sluice::test {

struct PlainNode {
  int left = -1, right = -1;  // -1, -1 for a leaf
  int feature = 0;
  float value = 0;  // threshold or leaf
  bool default_left = false;
  std::vector<int> categories;  // the categories that go right; not empty for a categorical split
  float cover = 0;
};

struct PlainTree {
  int group = 0;
  std::vector<PlainNode> nodes;  // [0] is the root
};

struct PlainModel {
  std::vector<int> version = {1, 7, 4};
  std::string objective = "binary:logistic";
  std::string base_score = "5E-1";  // as written in the file
  float base_margin = 0;            // the margin of that
  int n_features = 1;
  int n_groups = 1;
  bool bool_defaults = false;  // default_left as true and false, as XGBoost 1.0 wrote it
  std::vector<PlainTree> trees;
  std::vector<float> weights;  // DART's, one per tree; empty for gbtree
  int n_parallel_trees = 1;
};

struct ModelShape {
  int max_features = 12, max_trees = 20, max_depth = 7;
  bool with_categories = true;
  bool with_groups = true;
  bool with_empty_branches = true;  // splits with one side without cover
  /// Places siblings anywhere, with unreachable nodes between. XGBoost before 2.0 cannot predict from such files.
  bool apart = false;
  bool with_boosters = false;  // DART, parallel trees, and every objective that XGBoost 1.7 has
};

PlainModel random_model(Random& random, const ModelShape& shape = {});
/// The first `n_trees` trees.
PlainModel truncated(PlainModel model, std::size_t n_trees);
std::string to_json(const PlainModel& model);
std::string describe(const PlainModel& model);

/// Cells are NaN, ±infinity, zeros of both signs, denormals, thresholds of the model, categories in and out of range,
/// and plain numbers.
FloatTable random_rows(const PlainModel& model, std::size_t n_rows, Random& random, bool with_infinities = true);

namespace oracle {
bool goes_left(const PlainNode& node, float x);
std::vector<float> margins(const PlainModel& model, BatchView rows);        // [n_rows, n_groups]
std::vector<std::int32_t> leaves(const PlainModel& model, BatchView rows);  // [n_rows, n_trees]
/// Shapley values of the path-dependent game over all 2^n coalitions: [n_groups, n_features + 1]. The last column is
/// the empty coalition's value.
std::vector<double> shapley(const PlainModel& model, std::span<const float> row);
}  // namespace oracle

/// "" if both have the same bits (NaN equals itself, zeros of different sign differ); otherwise the first difference.
std::string difference(std::span<const float> actual, std::span<const float> expected);

}  // namespace sluice::test
