#include "support/forests_at_limits.h"

#include <cmath>
#include <limits>
#include <stdexcept>

namespace sluice::test {
namespace {

/// Builds trees of a given shape. Their splits cycle through the features, and for each through its cuts, so that a
/// forest with enough splits has all of them.
class Shaper {
 public:
  Shaper(Random& random, int n_features, int n_cuts = 7) : random_(random), n_features_(n_features), n_cuts_(n_cuts) {
    model_.n_features = n_features;
    model_.base_margin = -std::log(1.0f / 0.5f - 1.0f);
  }

  /// From this feature on, features are categories 0 to n - 1.
  Shaper& categories(int first_feature, int n) {
    first_category_ = first_feature;
    n_categories_ = n;
    return *this;
  }
  Shaper& groups(int n) {
    model_.objective = "multi:softprob";
    model_.base_margin = 0.5f;
    model_.n_groups = n;
    return *this;
  }

  Shaper& leaves(int n_trees) { return grow(n_trees, 0, 0); }
  Shaper& stumps(int n_trees) { return grow(n_trees, 1, 1); }
  Shaper& full(int n_trees, int depth) { return grow(n_trees, (1 << depth) - 1, depth); }
  Shaper& chains(int n_trees, int depth) { return grow(n_trees, depth, depth); }

  /// Trees with this number of splits and exactly this number of levels.
  Shaper& grow(int n_trees, int n_splits, int depth) {
    for (int t = 0; t < n_trees; ++t) {
      PlainTree tree;
      tree.group = static_cast<int>(model_.trees.size()) % model_.n_groups;
      add_node(tree, 1000.0f);
      std::vector<Open> open = {{0, 0}};
      for (int k = 0; k < n_splits; ++k) split(tree, open, k < depth ? open.size() - 1 : pick(open, depth));
      model_.trees.push_back(std::move(tree));
    }
    return *this;
  }

  PlainModel done() {
    while (static_cast<int>(model_.trees.size()) % model_.n_groups != 0) leaves(1);
    return std::move(model_);
  }

 private:
  struct Open {
    int node, depth;
  };

  void add_node(PlainTree& tree, float cover) {
    PlainNode node;
    node.value = static_cast<float>(random_.normal() * 0.3);
    node.cover = cover;
    tree.nodes.push_back(node);
  }

  /// A leaf that may be above the tree's last level.
  std::size_t pick(const std::vector<Open>& open, int depth) {
    std::size_t k = random_.below(open.size());
    while (open[k].depth >= depth) k = (k + 1) % open.size();
    return k;
  }

  void split(PlainTree& tree, std::vector<Open>& open, std::size_t k) {
    const Open at = open[k];
    const int left = static_cast<int>(tree.nodes.size());
    const float cover = tree.nodes[static_cast<std::size_t>(at.node)].cover;
    const float share = static_cast<float>(random_.uniform(0.2, 0.8));
    PlainNode& node = tree.nodes[static_cast<std::size_t>(at.node)];
    node.left = left;
    node.right = left + 1;
    node.default_left = random_.below(2) == 0;
    put_test(node);
    add_node(tree, cover * share);
    add_node(tree, cover - cover * share);
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(k));
    open.push_back({left, at.depth + 1});
    open.push_back({left + 1, at.depth + 1});
    if (random_.below(2) == 0) std::swap(open[open.size() - 1], open[open.size() - 2]);  // a chain changes sides
  }

  void put_test(PlainNode& node) {
    const int k = n_splits_++;
    node.feature = k % n_features_;
    if (node.feature < first_category_) {
      node.value = static_cast<float>(k / n_features_ % n_cuts_) * 0.37f - 1.0f;
      return;
    }
    node.categories.push_back(n_categories_ - 1);  // the highest category determines the column's size
    for (int c = 0; c < n_categories_ - 1; ++c)
      if (random_.below(4) == 0) node.categories.push_back(c);
  }

  Random& random_;
  int n_features_, n_cuts_;
  int first_category_ = std::numeric_limits<int>::max(), n_categories_ = 0;
  int n_splits_ = 0;
  PlainModel model_;
};

using Models = std::vector<NamedModel>;

std::string named(const char* what, int n) { return std::string(what) + " " + std::to_string(n); }

void add_depths(Models& out, Random& random) {
  for (const int depth : {1, 2, 3, 4, 5, 6, 7})
    out.push_back({named("full, levels", depth), Shaper(random, 6).full(25, depth).done()});
  for (const int depth : {8, 12, 13, 18, 19, 24, 25})
    out.push_back({named("deep, levels", depth), Shaper(random, 6).grow(25, 5 * depth, depth).done()});
  for (const int depth : {63, 64, 65})
    out.push_back({named("chains of", depth), Shaper(random, 6).chains(6, depth).done()});
  for (const int n : {254, 255, 256, 511})
    out.push_back({named("lists, splits", n), Shaper(random, 6).grow(5, n, 20).done()});
  for (const int n : {399, 400, 401})
    out.push_back({named("average splits", n), Shaper(random, 6).grow(5, n, 20).done()});
}

/// Trees that a walk descends 1.9, 2 and 2.1 levels on average, and the shapes of a former bug (2026).
void add_small_trees(Models& out, Random& random) {
  out.push_back({"one single leaf", Shaper(random, 3).leaves(1).done()});
  out.push_back({"single leaves", Shaper(random, 3).leaves(700).done()});
  out.push_back({"a stump", Shaper(random, 3).stumps(1).done()});
  out.push_back({"stumps", Shaper(random, 3).stumps(300).done()});
  out.push_back({"stumps and one deeper", Shaper(random, 3).stumps(300).full(1, 2).done()});
  for (const int n : {63, 64, 65, 127, 128, 129}) {
    out.push_back({named("blocks of stumps", n), Shaper(random, 3).stumps(n).done()});
    out.push_back({named("blocks of stumps and leaves", n), Shaper(random, 3).leaves(n - 40).stumps(40).done()});
  }
  out.push_back({"levels walked 1.9", Shaper(random, 3).full(180, 2).stumps(20).done()});
  out.push_back({"levels walked 2", Shaper(random, 3).full(200, 2).done()});
  out.push_back({"levels walked 2.1", Shaper(random, 3).full(180, 2).full(20, 3).done()});
  for (const int depth : {6, 7, 12, 13, 64, 65})
    for (const int n : {50, 3000}) {
      Shaper few(random, 6);
      const std::string name = named("one deep tree, levels", depth) + named(", leaves", n);
      out.push_back({name, few.leaves(n / 2).chains(1, depth).leaves(n / 2).done()});
    }
  Shaper mixed(random, 6);
  for (int k = 0; k < 60; ++k) mixed.leaves(15).stumps(4).full(1, 1 + k % 7);
  out.push_back({"mostly single leaves, all depths", mixed.done()});
  Shaper converged(random, 6);
  out.push_back({"converged", converged.full(40, 6).grow(40, 6, 4).stumps(60).leaves(600).done()});
}

/// Trees that fill a walk's group of 20, a chunk of 128 or 32, and counts around these.
void add_counts(Models& out, Random& random) {
  for (const int n : {7, 8, 9, 15, 16, 17, 19, 20, 21, 31, 32, 33, 127, 128, 129})
    out.push_back({named("trees", n), Shaper(random, 5).grow(n, 5, 3).done()});
  for (const int n : {2, 3, 15, 16, 17, 40}) {
    out.push_back({named("groups", n), Shaper(random, 5).groups(n).grow(3 * n, 9, 4).done()});
    out.push_back({named("groups of single leaves", n), Shaper(random, 5).groups(n).leaves(n).stumps(1).done()});
    out.push_back({named("deep groups", n), Shaper(random, 5).groups(n).grow(2 * n, 30, 9).done()});
  }
}

void add_cuts(Models& out, Random& random) {
  for (const int n : {1, 2, 15, 16, 17, 253, 254, 255, 507, 508, 509, 1016, 1017}) {
    out.push_back({named("cuts", n), Shaper(random, 2, n).full((2 * n + 30) / 31 + 1, 5).done()});
    out.push_back({named("cuts of deep trees", n), Shaper(random, 2, n).grow((2 * n + 39) / 40 + 2, 40, 8).done()});
  }
}

/// Columns of numbers only, except the last three, which are categories.
void add_columns(Models& out, Random& random) {
  for (const int n : {1, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1023, 1024, 1025}) {
    const int n_trees = n / 31 + 2;
    out.push_back({named("columns", n), Shaper(random, n).full(n_trees, 5).done()});
    out.push_back({named("columns of stumps", n), Shaper(random, n).stumps(n).done()});
    out.push_back({named("columns of stumps and one deeper", n), Shaper(random, n).stumps(n).full(1, 2).done()});
    out.push_back({named("columns of deep trees", n), Shaper(random, n).grow(n_trees, 40, 9).done()});
    out.push_back({named("columns of stumps, leaves and a deep tree", n),
                   Shaper(random, n).stumps(n).leaves(3 * n + 60).chains(1, 9).done()});
    if (n <= 3) continue;
    out.push_back(
        {named("columns with categories", n), Shaper(random, n).categories(n - 3, 40).full(n_trees, 5).done()});
    out.push_back({named("columns with categories of deep trees", n),
                   Shaper(random, n).categories(n - 3, 40).grow(n_trees, 40, 9).done()});
  }
}

void add_categories(Models& out, Random& random) {
  for (const int n : {1, 2, 31, 32, 33, 61, 62, 63, 64, 125, 126, 127, 128, 253, 254, 255, 256, 2000}) {
    out.push_back({named("categories", n), Shaper(random, 4).categories(2, n).full(12, 4).done()});
    out.push_back({named("categories alone", n), Shaper(random, 3).categories(0, n).grow(12, 6, 3).done()});
    out.push_back({named("categories of stumps", n), Shaper(random, 4).categories(2, n).stumps(90).done()});
    out.push_back({named("categories of deep trees", n), Shaper(random, 4).categories(2, n).grow(8, 30, 8).done()});
  }
}

/// Values that a feature's splits test: thresholds, or categories.
struct Asked {
  std::vector<float> thresholds;
  std::vector<int> categories;
};

float boundary_cell(const Asked& asked, Random& random) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (random.below(8) == 0) return std::numeric_limits<float>::quiet_NaN();
  if (random.below(40) == 0) return random.below(2) == 0 ? kInfinity : -kInfinity;
  if (!asked.categories.empty()) {
    const int near = asked.categories[random.below(asked.categories.size())] + static_cast<int>(random.below(3)) - 1;
    if (random.below(20) == 0) return 16777216.0f;
    return static_cast<float>(near) + (random.below(4) == 0 ? 0.75f : 0.0f);
  }
  if (asked.thresholds.empty()) return static_cast<float>(random.normal());
  const float at = asked.thresholds[random.below(asked.thresholds.size())];
  const std::uint64_t side = random.below(3);
  return side == 0 ? at : std::nextafter(at, side == 1 ? kInfinity : -kInfinity);
}

}  // namespace

std::vector<NamedModel> models_at_limits(std::uint64_t seed) {
  Random random(seed);
  Models out;
  add_small_trees(out, random);
  add_depths(out, random);
  add_counts(out, random);
  add_cuts(out, random);
  add_columns(out, random);
  add_categories(out, random);
  return out;
}

PlainModel model_at_limit(std::uint64_t seed, const std::string& name) {
  for (const NamedModel& shaped : models_at_limits(seed))
    if (shaped.name == name) return shaped.model;
  throw std::out_of_range("unknown shape " + name);
}

FloatTable boundary_rows(const PlainModel& model, std::size_t n_rows, Random& random) {
  std::vector<Asked> asked(static_cast<std::size_t>(model.n_features));
  for (const PlainTree& tree : model.trees)
    for (const PlainNode& node : tree.nodes) {
      if (node.left < 0) continue;
      Asked& own = asked[static_cast<std::size_t>(node.feature)];
      if (node.categories.empty())
        own.thresholds.push_back(node.value);
      else
        own.categories.insert(own.categories.end(), node.categories.begin(), node.categories.end());
    }
  FloatTable rows(asked.size(), n_rows);
  for (std::size_t i = 0; i < n_rows; ++i)
    for (std::size_t f = 0; f < asked.size(); ++f) rows.row(i)[f] = boundary_cell(asked[f], random);
  return rows;
}

}  // namespace sluice::test
