#pragma once
/// A gradient-boosted forest as loaded: trees, base margins, link. Plain data, immutable after load.
///
/// The rules of a split are XGBoost's. They are the same for every function of this folder:
///   - A row's value x is float32. NaN is missing and goes to the split's default side.
///   - A numeric split sends x >= threshold to the right, and every other value that is not missing to the left. With a
///     threshold of NaN only missing values can go to the right; with -inf all values do.
///   - If a node has kZeroMissing (LightGBM's missing type Zero), zeros are missing too.
///   - A categorical split sends the categories of its set to the right. x is truncated to an integer. A negative x,
///     one that is at least 2^24 and one that is not in the set go to the left.
///
/// A margin is base_margin, then the leaf values added in float32 in tree order, each group separately. The loaders
/// convert to these rules: DART's weights (multiplied into the leaves), vector leaves (one tree per group), LightGBM's
/// `<=` (the next float32) and its missing types None and NaN (default sides). Leaves and margins may be infinite or
/// NaN, as in the files of diverged training. Trees may have any depth.
///
/// Thread-safety: a forest that does not change can be shared between threads.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::gbdt {

/// One node, 16 bytes. Children are adjacent: right is left + 1. A leaf is its own left child, so that a walk may take
/// further steps.
struct Node {
  float value = 0;            // threshold of a numeric split; the leaf's value
  std::uint32_t feature = 0;  // 0 in a leaf
  std::uint32_t left = 0;     // index in Forest::nodes
  std::uint32_t bits = 0;     // the flags below; from kSetShift on the category set, 0 for a numeric split

  static constexpr std::uint32_t kDefaultRight = 1, kSplit = 2, kZeroMissing = 4, kSetShift = 3;

  bool is_leaf() const { return (bits & kSplit) == 0; }
  bool default_right() const { return (bits & kDefaultRight) != 0; }
  bool zero_is_missing() const { return (bits & kZeroMissing) != 0; }
  bool is_category() const { return (bits >> kSetShift) != 0; }
  std::uint32_t category_set() const { return bits >> kSetShift; }
};

struct Tree {
  std::uint32_t first = 0;  // its root in Forest::nodes; the tree's nodes follow in breadth-first order
  std::uint32_t n_nodes = 0;
  std::uint32_t depth = 0;  // number of splits on its longest path
  std::uint32_t group = 0;  // the output it adds to
  bool has_categories = false;
  // Number in the file. A tree with vector leaves becomes one tree per group here, all with the same number.
  std::uint32_t number = 0;
};

/// One bit per category that goes right. A word of zeros follows the set's own words: every category beyond them is
/// looked up there.
struct CategorySet {
  std::uint32_t first_word = 0;
  std::uint32_t n_words = 0;
};

/// How a margin becomes a prediction.
enum class Link {
  identity,
  logistic,       // 1 / (1 + e^-margin)
  exponential,    // e^margin
  softplus,       // log(1 + e^margin): LightGBM's cross_entropy_lambda
  signed_square,  // margin * |margin|: LightGBM's reg_sqrt
  softmax,        // over the groups; also for multi:softmax, for which XGBoost itself returns the index of the largest
  hinge,          // 1 above 0, else 0
};

/// LightGBM's linear trees: a leaf adds its constant and the sum of weight * value over its terms. If one of these
/// values is missing, the leaf adds its exact value.
struct LinearTerm {
  std::uint32_t feature = 0;
  double weight = 0;
};
struct LinearLeaf {
  double constant = 0;
  std::size_t first_term = 0, n_terms = 0;
};

struct BinnedForest;

struct Forest {
  std::vector<Node> nodes;  // of all trees, in tree order
  std::vector<Tree> trees;
  std::vector<CategorySet> category_sets;  // [0] is empty
  std::vector<std::uint32_t> category_words;

  std::vector<float> cover;            // sum of hessians, one per node; all 0 if the file has none
  std::vector<std::int32_t> node_ids;  // XGBoost's own number within the tree, one per node

  std::vector<float> base_margin;  // one per group, after the inverse link
  /// gblinear: [n_features + 1, n_groups], the biases last; such a forest has no trees (linear.h). Empty otherwise.
  std::vector<float> linear;
  /// LightGBM: the leaf values as in the file, one per node, 0 in splits (predict_exact.h). Empty otherwise.
  std::vector<double> exact_values;
  std::vector<LinearLeaf> linear_leaves;  // one per node; empty if no tree is linear
  std::vector<LinearTerm> linear_terms;
  double exact_divisor = 1;  // LightGBM's random forests: the sum of exact values is divided by this
  std::size_t n_features = 0;
  std::size_t n_groups = 1;          // outputs per row; 1 unless multi-class or multi-target
  std::size_t n_parallel_trees = 1;  // trees per group and boosting round
  std::string objective;
  Link link = Link::identity;
  float link_scale = 1;                    // LightGBM's sigmoid: the logistic link of link_scale * margin
  std::vector<std::string> feature_names;  // empty if the file has none
  std::vector<std::string> feature_types;  // XGBoost's: "q", "float", "int", "i", "c"; empty if the file has none
  /// XGBoost 3.1+: a category's code is the index of its text. One list per feature, empty for numbers and if the file
  /// has none (features.h).
  std::vector<std::vector<std::string>> category_names;
  /// The first tree of each boosting round, then the number of trees (iterations.h).
  std::vector<std::uint32_t> iteration_first;
  std::optional<std::size_t> best_iteration;

  /// The same trees in the form of the fast kernels (prepare in predict.h); null if the trees are to be walked.
  std::shared_ptr<const BinnedForest> binned;
  /// Faults found when the forest was prepared: a fast method that gave other margins than the plain walk and is
  /// therefore not used. Margins are correct. Empty for every known forest.
  std::vector<std::string> warnings;

  std::size_t n_trees() const { return trees.size(); }
  std::size_t n_file_trees() const { return trees.empty() ? 0 : trees.back().number + std::size_t{1}; }
  std::size_t memory_bytes() const;
};

}  // namespace sluice::gbdt
