#include "support/random_forest.h"

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "sluice/base/number.h"

namespace sluice::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kOddNumbers[] = {0.0f,          -0.0f,          1e-42f, -1e-42f,     1.17549435e-38f,
                                 3.4028235e38f, -3.4028235e38f, 0.1f,   16777216.0f, 0.33333334f};

bool chance(Random& random, double p) { return random.uniform() < p; }
int between(Random& random, int low, int high) {
  return low + static_cast<int>(random.below(static_cast<std::uint64_t>(high - low + 1)));
}

float random_threshold(Random& random) {
  if (chance(random, 0.02)) return chance(random, 0.5) ? kInfinity : -kInfinity;
  if (chance(random, 0.1)) return kOddNumbers[random.below(std::size(kOddNumbers))];
  if (chance(random, 0.2)) return static_cast<float>(between(random, -3, 3));
  return static_cast<float>(random.normal());
}

void make_split(PlainNode& node, const PlainModel& model, const ModelShape& shape, Random& random) {
  node.feature = between(random, 0, model.n_features - 1);
  node.default_left = chance(random, 0.5);
  // As in XGBoost, a feature is either numeric or a category: every third one is a category.
  if (!shape.with_categories || node.feature % 3 != 2) {
    node.value = random_threshold(random);
    return;
  }
  const int top = chance(random, 0.2) ? 100 : 20;
  for (int c = 0; c < top; ++c)
    if (chance(random, 0.3)) node.categories.push_back(c);
  if (node.categories.empty()) node.categories.push_back(between(random, 0, top));
}

void grow(PlainTree& tree, std::size_t at, int depth, const PlainModel& model, const ModelShape& shape,
          Random& random) {
  if (depth == 0 || chance(random, 0.15)) {
    tree.nodes[at].value = chance(random, 0.05) ? -0.0f : static_cast<float>(random.normal() * 0.3);
    return;
  }
  make_split(tree.nodes[at], model, shape, random);
  const int left = static_cast<int>(tree.nodes.size());
  const float share =
      shape.with_empty_branches && chance(random, 0.03) ? 0.0f : static_cast<float>(random.uniform(0.05, 0.95));
  PlainNode left_child, right_child;
  left_child.cover = tree.nodes[at].cover * share;
  right_child.cover = tree.nodes[at].cover - left_child.cover;
  tree.nodes[at].left = left;
  tree.nodes[at].right = left + 1;
  tree.nodes.push_back(left_child);
  tree.nodes.push_back(right_child);
  grow(tree, static_cast<std::size_t>(left), depth - 1, model, shape, random);
  grow(tree, static_cast<std::size_t>(left) + 1, depth - 1, model, shape, random);
}

/// Renumbers the nodes, with unreachable ones between. The root stays 0.
void scatter(PlainTree& tree, Random& random) {
  std::vector<int> place(tree.nodes.size() + 3);
  std::iota(place.begin(), place.end(), 1);
  random.shuffle(place);
  std::vector<PlainNode> nodes(place.size() + 1);
  const auto moved = [&](int node) { return node <= 0 ? node : place[static_cast<std::size_t>(node)]; };
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    PlainNode node = tree.nodes[i];
    node.left = moved(node.left);
    node.right = moved(node.right);
    nodes[static_cast<std::size_t>(moved(static_cast<int>(i)))] = node;
  }
  tree.nodes = std::move(nodes);
}

/// The margin in XGBoost's float32 operations; log and exp are the C library's in both.
void choose_objective(PlainModel& model, const ModelShape& shape, Random& random) {
  const float score = static_cast<float>(random.uniform(0.01, 0.99));
  model.base_score = number_text(score);
  switch (between(random, 0, shape.with_groups ? 4 : 3)) {
    case 0:
      model.base_score = "5E-1";
      model.base_margin = -std::log(1.0f / 0.5f - 1.0f);
      return;
    case 1:
      model.base_margin = -std::log(1.0f / score - 1.0f);
      return;
    case 2:
      model.objective = "reg:squarederror";
      model.base_margin = score;
      return;
    case 3:
      model.objective = "count:poisson";
      model.base_margin = std::log(score);
      return;
    default:
      model.objective = "multi:softprob";
      model.n_groups = between(random, 2, 4);
      model.base_margin = score;
  }
}

/// The rest of XGBoost's objectives; the margin is the C library's logarithm of the score, or the score.
void choose_any_objective(PlainModel& model, Random& random) {
  struct Choice {
    const char* name;
    bool is_log;
  };
  constexpr Choice kChoices[] = {{"reg:gamma", true},
                                 {"reg:tweedie", true},
                                 {"survival:cox", true},
                                 {"survival:aft", true},
                                 {"binary:hinge", false},
                                 {"binary:logitraw", false},
                                 {"rank:pairwise", false},
                                 {"rank:ndcg", false},
                                 {"rank:map", false},
                                 {"reg:absoluteerror", false},
                                 {"reg:pseudohubererror", false},
                                 {"reg:squaredlogerror", false}};
  const Choice& choice = kChoices[random.below(std::size(kChoices))];
  const float score = static_cast<float>(random.uniform(0.01, 3));
  model.objective = choice.name;
  model.base_score = number_text(score);
  model.base_margin = choice.is_log ? std::log(score) : score;
}

float random_cell(const PlainModel& model, int feature, Random& random, bool with_infinities) {
  if (chance(random, 0.15)) return std::numeric_limits<float>::quiet_NaN();
  if (with_infinities && chance(random, 0.04)) return chance(random, 0.5) ? kInfinity : -kInfinity;
  if (chance(random, 0.08)) return kOddNumbers[random.below(std::size(kOddNumbers))];
  // Exactly a threshold of this feature, if one or two tries find one.
  if (chance(random, 0.4)) {
    const PlainTree& tree = model.trees[random.below(model.trees.size())];
    const PlainNode& node = tree.nodes[random.below(tree.nodes.size())];
    if (node.left >= 0 && node.feature == feature && std::isfinite(node.value)) return node.value;
  }
  if (feature % 3 == 2 && chance(random, 0.8))
    return static_cast<float>(between(random, -2, chance(random, 0.3) ? 110 : 25)) +
           (chance(random, 0.1) ? 0.75f : 0.0f);
  return static_cast<float>(random.normal() * 2);
}

int leaf_of(const PlainTree& tree, std::span<const float> row) {
  int at = 0;
  while (tree.nodes[static_cast<std::size_t>(at)].left >= 0) {
    const PlainNode& node = tree.nodes[static_cast<std::size_t>(at)];
    at = oracle::goes_left(node, row[static_cast<std::size_t>(node.feature)]) ? node.left : node.right;
  }
  return at;
}

/// The tree's expected value if only the features in `known` are known.
double expectation(const PlainTree& tree, int at, std::span<const float> row, std::uint32_t known) {
  const PlainNode& node = tree.nodes[static_cast<std::size_t>(at)];
  if (node.left < 0) return static_cast<double>(node.value);
  if ((known >> node.feature) & 1u)
    return expectation(tree,
                       oracle::goes_left(node, row[static_cast<std::size_t>(node.feature)]) ? node.left : node.right,
                       row, known);
  const double cover = static_cast<double>(node.cover);
  const auto share = [&](int child) {
    return cover > 0 ? std::max(static_cast<double>(tree.nodes[static_cast<std::size_t>(child)].cover) / cover, 1e-12)
                     : 0.5;
  };
  return share(node.left) * expectation(tree, node.left, row, known) +
         share(node.right) * expectation(tree, node.right, row, known);
}

}  // namespace

PlainModel random_model(Random& random, const ModelShape& shape) {
  PlainModel model;
  model.n_features = between(random, 1, shape.max_features);
  choose_objective(model, shape, random);
  if (shape.with_boosters && chance(random, 0.5)) {
    model.n_groups = 1;
    choose_any_objective(model, random);
  }
  if (shape.with_boosters && chance(random, 0.3)) model.n_parallel_trees = between(random, 2, 3);
  const int n_a_round = model.n_groups * model.n_parallel_trees;
  const int n_rounds = (between(random, 1, shape.max_trees) + n_a_round - 1) / n_a_round;
  for (int t = 0; t < n_rounds * n_a_round; ++t) {
    PlainTree tree;
    tree.group = t % n_a_round / model.n_parallel_trees;
    tree.nodes.resize(1);
    tree.nodes[0].cover = static_cast<float>(random.uniform(1, 1000));
    grow(tree, 0, between(random, 0, shape.max_depth), model, shape, random);
    if (shape.apart) scatter(tree, random);
    model.trees.push_back(std::move(tree));
  }
  if (shape.with_boosters && chance(random, 0.4))
    for (std::size_t t = 0; t < model.trees.size(); ++t)
      model.weights.push_back(chance(random, 0.2) ? 1.0f : static_cast<float>(random.uniform(0, 1)));
  return model;
}

PlainModel truncated(PlainModel model, std::size_t n_trees) {
  model.trees.resize(n_trees);
  if (!model.weights.empty()) model.weights.resize(n_trees);
  return model;
}

std::string describe(const PlainModel& model) {
  std::size_t n_nodes = 0;
  for (const auto& tree : model.trees) n_nodes += tree.nodes.size();
  return model.objective + ", " + std::to_string(model.trees.size()) + " trees, " + std::to_string(n_nodes) +
         " nodes, " + std::to_string(model.n_features) + " features, base_score " + model.base_score;
}

FloatTable random_rows(const PlainModel& model, std::size_t n_rows, Random& random, bool with_infinities) {
  FloatTable rows(static_cast<std::size_t>(model.n_features), n_rows);
  for (std::size_t i = 0; i < n_rows; ++i)
    for (int f = 0; f < model.n_features; ++f)
      rows.row(i)[static_cast<std::size_t>(f)] = random_cell(model, f, random, with_infinities);
  return rows;
}

namespace oracle {

bool goes_left(const PlainNode& node, float x) {
  if (std::isnan(x)) return node.default_left;
  if (node.categories.empty()) return x < node.value;
  if (x < 0 || x >= 16777216.0f) return true;
  for (const int category : node.categories)
    if (category == static_cast<int>(x)) return false;
  return true;
}

std::vector<float> margins(const PlainModel& model, BatchView rows) {
  std::vector<float> out;
  for (std::size_t i = 0; i < rows.n_rows; ++i)
    for (int group = 0; group < model.n_groups; ++group) {
      float margin = model.base_margin;
      for (std::size_t t = 0; t < model.trees.size(); ++t) {
        const PlainTree& tree = model.trees[t];
        if (tree.group != group) continue;
        const float leaf = tree.nodes[static_cast<std::size_t>(leaf_of(tree, rows.row(i)))].value;
        margin += model.weights.empty() ? leaf : leaf * model.weights[t];
      }
      out.push_back(margin);
    }
  return out;
}

std::vector<std::int32_t> leaves(const PlainModel& model, BatchView rows) {
  std::vector<std::int32_t> out;
  for (std::size_t i = 0; i < rows.n_rows; ++i)
    for (const auto& tree : model.trees) out.push_back(leaf_of(tree, rows.row(i)));
  return out;
}

std::vector<double> shapley(const PlainModel& model, std::span<const float> row) {
  const auto n = static_cast<std::uint32_t>(model.n_features);
  std::vector<double> out;
  for (int group = 0; group < model.n_groups; ++group) {
    std::vector<double> value(std::size_t{1} << n, static_cast<double>(model.base_margin));
    for (std::uint32_t known = 0; known < value.size(); ++known)
      for (const auto& tree : model.trees)
        if (tree.group == group) value[known] += expectation(tree, 0, row, known);
    for (std::uint32_t feature = 0; feature < n; ++feature) {
      double phi = 0;
      for (std::uint32_t known = 0; known < value.size(); ++known) {
        if ((known >> feature) & 1u) continue;
        const double size = std::popcount(known);  // weight |S|! (n - |S| - 1)! / n!
        const double weight = std::exp(std::lgamma(size + 1) + std::lgamma(n - size) - std::lgamma(n + 1.0));
        phi += weight * (value[known | (1u << feature)] - value[known]);
      }
      out.push_back(phi);
    }
    out.push_back(value[0]);
  }
  return out;
}

}  // namespace oracle

std::string difference(std::span<const float> actual, std::span<const float> expected) {
  if (actual.size() != expected.size())
    return std::to_string(actual.size()) + " values, not " + std::to_string(expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i)
    if (std::bit_cast<std::uint32_t>(actual[i]) != std::bit_cast<std::uint32_t>(expected[i]))
      return "[" + std::to_string(i) + "] is " + number_text(actual[i]) + ", not " + number_text(expected[i]);
  return {};
}

}  // namespace sluice::test
