#pragma once
/// A gradient-boosted forest as it is read: trees, base margins, link. Plain data, immutable after load, safe to share
/// between threads.
///
/// The rules of a split, the same for every call of this folder (they are XGBoost's):
///   - a row's value x is float32; NaN is missing and takes the split's default side;
///   - a numeric split sends x >= threshold to the right, everything else that is not missing to the left. A threshold
///     of NaN thus sends nothing to the right, only a missing value may go there; one of -inf sends everything;
///   - where a node says so (kZeroMissing, LightGBM's missing type Zero), zeros are missing as well;
///   - a categorical split sends the categories of its set to the right. x is cut to an integer; a negative one, one >=
///     2^24 or one that is not in the set goes to the left.
/// A margin is base_margin, then the leaves' values added in float32 in tree order, each group on its own. What the
/// readers turn into these rules: DART's weights (multiplied into the leaves), vector leaves (one tree a group),
/// LightGBM's `<=` (the next float32) and its missing types None and NaN (default sides). Leaves and margins may be
/// infinite or NaN, as the files of diverged training have them; trees may be of any depth.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::gbdt {

/// One node of 16 bytes. Children stand side by side: right is left + 1. A leaf is its own left child, so that a walk
/// may step on.
struct Node {
  float value = 0;            // threshold of a numeric split; the leaf's value
  std::uint32_t feature = 0;  // 0 in a leaf
  std::uint32_t left = 0;     // index in Forest::nodes
  std::uint32_t bits = 0;     // the flags below, and from kSetShift on the category set, 0 for a numeric split

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
  std::uint32_t depth = 0;  // splits on its longest path
  std::uint32_t group = 0;  // the output it adds to
  bool has_categories = false;
  std::uint32_t number = 0;  // in the file; a tree with vector leaves is one tree a group here, all of one number
};

/// A bit for each category that goes right. A word of zeros follows the set's own: every category beyond them is looked
/// up there.
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
  softmax,        // over the groups. For multi:softmax too: XGBoost itself would give the index of the largest
  hinge,          // 1 above 0, else 0
};

/// LightGBM's linear trees: a leaf adds its constant and the sum of weight * value over its terms. Where one of these
/// values is missing, it adds its exact value.
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
  std::vector<Node> nodes;  // of all trees, one after the other
  std::vector<Tree> trees;
  std::vector<CategorySet> category_sets;  // [0] is empty
  std::vector<std::uint32_t> category_words;

  std::vector<float> cover;            // sum of hessians, one a node; all 0 where the file has none
  std::vector<std::int32_t> node_ids;  // XGBoost's own number within the tree, one a node

  std::vector<float> base_margin;  // one a group, after the inverse link
  /// gblinear: [n_features + 1, n_groups], the biases last; such a forest has no trees (linear.h). Empty otherwise.
  std::vector<float> linear;
  /// LightGBM: the leaves as they stand in the file, one a node, 0 in splits (predict_exact.h). Empty otherwise.
  std::vector<double> exact_values;
  std::vector<LinearLeaf> linear_leaves;  // one a node; empty where no tree of LightGBM's is linear
  std::vector<LinearTerm> linear_terms;
  double exact_divisor = 1;  // LightGBM's random forests: the sum of exact values is divided by it
  std::size_t n_features = 0;
  std::size_t n_groups = 1;          // outputs a row; 1 unless multi-class or multi-target
  std::size_t n_parallel_trees = 1;  // trees a group and boosting round
  std::string objective;
  Link link = Link::identity;
  float link_scale = 1;                    // LightGBM's sigmoid: the logistic link of link_scale * margin
  std::vector<std::string> feature_names;  // empty where the file has none
  std::vector<std::string> feature_types;  // XGBoost's: "q", "float", "int", "i", "c"; empty where the file has none
  /// XGBoost 3.1+: a category's code is the place of its text; one list a feature, empty for numbers and where the file
  /// has none (features.h).
  std::vector<std::vector<std::string>> category_names;
  /// The first tree of each boosting round, then the number of trees (iterations.h).
  std::vector<std::uint32_t> iteration_first;
  std::optional<std::size_t> best_iteration;

  /// The same trees as the fast kernels read them (prepare in predict.h); null where they are to be walked.
  std::shared_ptr<const BinnedForest> binned;
  /// What was found wrong when the forest was prepared: a fast method that gave other margins than the plain walk, and
  /// is therefore not used. Its margins are right; empty for every forest that is known.
  std::vector<std::string> warnings;

  std::size_t n_trees() const { return trees.size(); }
  std::size_t n_file_trees() const { return trees.empty() ? 0 : trees.back().number + std::size_t{1}; }
  std::size_t memory_bytes() const;
};

}  // namespace sluice::gbdt
