#include <algorithm>
#include <map>
#include <set>

#include "sluice/base/error.h"
#include "sluice/gbdt/kernels/binned_forest.h"
#include "sluice/gbdt/leaves.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/merge.h"
#include "sluice/gbdt/predict.h"
#include "support/catch.h"
#include "support/forests_at_limits.h"
#include "support/sanitizers.h"

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::test;

namespace {

constexpr std::uint64_t kSeed = 20261130;
const std::vector<std::size_t> kCounts = kHasAddressSanitizer
                                             ? std::vector<std::size_t>{1, 17, 64, 65, 513}
                                             : std::vector<std::size_t>{1, 15, 16, 17, 63, 64, 65, 511, 512, 513, 1500};

/// A shape, loaded; its rows and the plain recursion's margins for them.
struct Case {
  Case(const NamedModel& shaped, std::uint64_t stream, std::size_t n_rows) : name(shaped.name), model(shaped.model) {
    Random random(kSeed, stream);
    forest = load_xgboost(to_json(model), name);
    rows = boundary_rows(model, n_rows, random);
    expected = oracle::margins(model, rows.view());
  }
  BatchView first(std::size_t n) const { return rows.view().slice(0, n); }
  std::span<const float> margins(std::size_t n) const { return std::span(expected).first(output_size(forest, n)); }

  std::string name;
  PlainModel model;
  Forest forest;
  FloatTable rows;
  std::vector<float> expected;
};

/// The structures that loading built, and their class of columns: the cells that must all be visited.
std::string built(const Forest& forest) {
  if (forest.binned == nullptr) return "nothing";
  const BinnedForest& binned = *forest.binned;
  const RowBlocks& blocks = binned.rows;
  const std::string rows = !blocks.exist()       ? "no rows"
                           : blocks.are_stumps() ? "stumps"
                           : blocks.are_heaps()  ? "heaps"
                                                 : "tiers";
  const std::string planes = !binned.planes.exist() ? "no planes" : binned.planes.have_lists ? "lists" : "trees";
  return rows + ", " + planes;
}

std::string width(const Forest& forest) {
  const std::size_t n = forest.binned == nullptr ? 0 : forest.binned->bins.n_columns();
  for (const std::size_t limit : {0, 64, 128, 256})
    if (n <= limit) return "up to " + std::to_string(limit) + " columns";
  return "more columns";
}

const std::vector<Ran>& named_methods() {
  static const std::vector<Ran> all = [] {
    std::vector<Ran> out = {{Kernel::scalar, Method::walk}};
    for (const Kernel kernel : kernels())
      if (kernel != Kernel::scalar)
        for (const Method method : {Method::rows, Method::planes}) out.push_back({kernel, method});
    return out;
  }();
  return all;
}

std::string text(const Ran& ran) {
  return std::string(to_string(ran.kernel)) + " " + std::string(to_string(ran.method));
}

/// Margins by one method; "" if they equal the recursion's and no other method ran.
std::string trouble(const Case& c, std::size_t n, const Ran& by) {
  std::vector<float> out(output_size(c.forest, n));
  const Ran ran = predict(c.forest, c.first(n), out, {.kernel = by.kernel, .method = by.method});
  return ran == by ? difference(out, c.margins(n)) : text(ran) + " ran";
}

/// One at a time, because there are many and some are large.
template <class Check>
void for_each_shape(std::size_t n_rows, const Check& check) {
  std::uint64_t stream = 0;
  for (const NamedModel& shaped : models_at_limits(kSeed)) check(Case(shaped, stream++, n_rows));
}

/// The methods that a kernel has for the built structures according to docs/kernels.md, independently of the code.
bool is_expected(const std::string& built, const std::string& width, const Ran& ran) {
  if (ran.method == Method::walk) return true;
  const bool is_wide = width == "more columns" ||
                       (width != "up to 64 columns" && width != "up to 0 columns" && ran.kernel != Kernel::avx512_vbmi);
  if (ran.method == Method::rows) return !built.starts_with("no") && !is_wide;
  return built.ends_with("trees") || (built.ends_with("lists") && ran.kernel != Kernel::avx2);
}

}  // namespace

TEST_CASE("every method of every kernel gives the recursion's bits for every shape and number of rows") {
  std::map<std::string, std::size_t> visits;  // of [built, columns, method]
  std::set<std::pair<std::string, std::string>> outcomes;
  for_each_shape(kCounts.back(), [&](const Case& c) {
    REQUIRE(c.forest.warnings.empty());
    if (c.forest.binned != nullptr) REQUIRE(c.forest.binned->check(c.forest) == "");
    outcomes.emplace(built(c.forest), width(c.forest));
    for (const Ran& by : named_methods()) {
      CAPTURE(c.name, built(c.forest), text(by));
      REQUIRE(has_method(c.forest, by.kernel, by.method) == is_expected(built(c.forest), width(c.forest), by));
      if (!has_method(c.forest, by.kernel, by.method)) continue;
      for (const std::size_t n : kCounts) {
        CAPTURE(n);
        REQUIRE(trouble(c, n, by) == "");
      }
      ++visits[built(c.forest) + ", " + width(c.forest) + ", " + text(by)];
    }
  });
  // All structures that can be built, in every class of columns that allows them.
  for (const char* built :
       {"stumps, trees", "heaps, trees", "no rows, trees", "tiers, lists", "no rows, lists", "tiers, no planes"})
    for (const char* width : {"up to 64 columns", "up to 128 columns", "up to 256 columns"}) {
      if (built == std::string("tiers, no planes") && width != std::string("up to 64 columns")) continue;
      CAPTURE(built, width);
      CHECK(outcomes.contains({built, width}));
    }
  CHECK(outcomes.contains({"no rows, trees", "more columns"}));
  CHECK(outcomes.contains({"no rows, lists", "more columns"}));
  CHECK(outcomes.contains({"stumps, trees", "up to 0 columns"}));
  CHECK(outcomes.contains({"nothing", "up to 0 columns"}));
  for (const auto& [built, width] : outcomes)
    for (const Ran& by : named_methods()) {
      CAPTURE(built, width, text(by));
      CHECK((visits[built + ", " + width + ", " + text(by)] > 0) == is_expected(built, width, by));
    }
}

TEST_CASE("each limit is as in docs/kernels.md") {
  const std::map<std::string, const char*> kBuilt = {
      {"levels walked 1.9", "no rows, trees"},
      {"levels walked 2", "heaps, trees"},
      {"levels walked 2.1", "heaps, trees"},
      {"full, levels 6", "heaps, trees"},
      {"full, levels 7", "tiers, lists"},
      {"deep, levels 24", "tiers, lists"},
      {"deep, levels 25", "no rows, lists"},
      {"chains of 63", "no rows, lists"},
      {"chains of 64", "no rows, lists"},
      {"chains of 65", "nothing"},
      {"average splits 399", "tiers, lists"},
      {"average splits 400", "tiers, lists"},
      {"average splits 401", "tiers, no planes"},
      {"columns 256", "heaps, trees"},
      {"columns 257", "no rows, trees"},
      {"columns 1024", "no rows, trees"},
      {"columns 1025", "nothing"},
      {"categories 254", "heaps, trees"},
      {"categories 255", "heaps, trees"},
      {"single leaves", "stumps, trees"},
      {"a stump", "stumps, trees"},
      {"stumps", "stumps, trees"},
      {"stumps and one deeper", "no rows, trees"},
      {"columns of stumps 256", "stumps, trees"},
      {"columns of stumps 257", "no rows, trees"},
  };
  std::size_t n_seen = 0;
  for (const NamedModel& shaped : models_at_limits(kSeed)) {
    const auto found = kBuilt.find(shaped.name);
    if (found == kBuilt.end()) continue;
    const Forest forest = load_xgboost(to_json(shaped.model), shaped.name);
    ++n_seen;
    CAPTURE(shaped.name);
    CHECK(built(forest) == found->second);
    const std::string words = shaped.name.starts_with("categories ") ? shaped.name.substr(11) : "";
    if (!words.empty()) CHECK(forest.binned->bins.category_columns[0].n_words == (std::stoi(words) <= 254 ? 4u : 0u));
  }
  REQUIRE(n_seen == kBuilt.size());
}

TEST_CASE("few rows are computed one by one, many in planes") {
  const Case c({"full, levels 4", model_at_limit(kSeed, "full, levels 4")}, 0, 1);
  REQUIRE(built(c.forest) == "heaps, trees");
  const Kernel fastest = kernels().back();
  if (fastest == Kernel::scalar) return;
  CHECK(choice_of(c.forest, 1) == Ran{fastest, Method::rows});
  CHECK(choice_of(c.forest, 47) == Ran{fastest, Method::rows});
  CHECK(choice_of(c.forest, 48) == Ran{fastest, Method::planes});
  CHECK(choice_of(c.forest, 1, Kernel::automatic, Method::planes) == Ran{fastest, Method::planes});
  CHECK(choice_of(c.forest, 9999, Kernel::automatic, Method::walk) == Ran{Kernel::scalar, Method::walk});
  CHECK_THROWS_AS(choice_of(c.forest, 1, fastest, Method::walk), Error);
  CHECK_THROWS_AS(choice_of(c.forest, 1, Kernel::scalar, Method::rows), Error);
}

TEST_CASE("only tiers that need too much memory are dropped") {
  const PlainModel deep = model_at_limit(kSeed, "deep, levels 24");
  std::set<std::string> seen;
  // Few enough for a walk to go down 24 levels on average.
  for (int n_leaves = 0; n_leaves < 19; ++n_leaves) {
    NamedModel shaped{"deep trees among single leaves", deep};
    shaped.model.trees.clear();
    for (const PlainTree& tree : deep.trees) {
      shaped.model.trees.push_back(tree);
      for (int k = 0; k < n_leaves; ++k) shaped.model.trees.push_back({0, {PlainNode{.value = 0.01f}}});
    }
    const Case c(shaped, 1000 + static_cast<std::uint64_t>(n_leaves), 513);
    seen.insert(built(c.forest));
    for (const Ran& by : named_methods())
      for (const std::size_t n : {1, 65, 513})
        if (has_method(c.forest, by.kernel, by.method)) {
          CAPTURE(n_leaves, n, text(by));
          REQUIRE(trouble(c, n, by) == "");
        }
  }
  CHECK(seen == std::set<std::string>{"tiers, lists", "no rows, lists"});
}

TEST_CASE("blocks of several tiers are kept up to kMaxBytesANode a node, to the node") {
  const PlainModel deep = model_at_limit(kSeed, "deep, levels 24");
  PlainModel model = deep;
  model.trees.clear();
  for (const PlainTree& tree : deep.trees) {
    model.trees.push_back(tree);
    for (int k = 0; k < 18; ++k) model.trees.push_back({0, {PlainNode{.value = 0.01f}}});
  }
  Forest forest = load_xgboost(to_json(model), "deep");
  const auto has_rows = [&] { return bin_forest(forest)->rows.exist(); };
  REQUIRE_FALSE(has_rows());
  // Nodes that no tree has move the limit and nothing else.
  const std::size_t n_nodes = forest.nodes.size();
  std::size_t low = n_nodes, high = 2 * n_nodes;  // without blocks at `low`, with them at `high`
  const auto with = [&](std::size_t n) {
    forest.nodes.resize(n);
    return has_rows();
  };
  REQUIRE(with(high));
  while (high - low > 1) {
    const std::size_t middle = (low + high) / 2;
    (with(middle) ? high : low) = middle;
  }
  REQUIRE(with(high));
  REQUIRE_FALSE(with(high - 1));
  forest.nodes.resize(high);
  BinnedForest built = *bin_forest(forest);
  // What was measured had neither planes nor the room behind the words that kernels may read.
  built.planes = {};
  built.bins.category_words.resize(built.bins.category_words.size() - 4);
  const auto limit = [](std::size_t n) { return kMaxBytesANode * n + (1 << 16); };
  CHECK(built.memory_bytes() <= limit(high));
  CHECK(built.memory_bytes() > limit(high - 1));
}

TEST_CASE("one row and part of the trees and other base margins have the same bits by every method") {
  for_each_shape(100, [&](const Case& c) {
    const std::size_t n = 20, n_groups = c.forest.n_groups, n_trees = c.forest.n_trees();
    std::vector<float> out(output_size(c.forest, 100)), base(output_size(c.forest, n), 0.5f);
    CAPTURE(c.name, built(c.forest));
    predict(c.forest, c.first(100), out);
    REQUIRE(difference(out, c.margins(100)) == "");
    PlainModel part = c.model;
    part.base_margin = 0.5f;
    part.trees.erase(part.trees.begin(), part.trees.begin() + static_cast<std::ptrdiff_t>(n_trees / 3));
    const std::vector<float> rest = oracle::margins(part, c.first(n));
    out.resize(rest.size());
    for (const Ran& by : named_methods()) {
      if (!has_method(c.forest, by.kernel, by.method)) continue;
      CAPTURE(text(by));
      for (std::size_t i = 0; i < n; ++i)
        REQUIRE(predict_row(c.forest, c.rows.row(i), std::span(out).subspan(i * n_groups, n_groups), by.kernel,
                            by.method) == by);
      REQUIRE(difference(out, c.margins(n)) == "");
      predict(c.forest, c.first(n), out,
              {.kernel = by.kernel, .method = by.method, .trees = {n_trees / 3, n_trees}, .base_margin = base});
      REQUIRE(difference(out, rest) == "");
    }
  });
}

TEST_CASE("margins after no tree, one, some and all trees equal those of the trees alone") {
  for_each_shape(513, [&](const Case& c) {
    if (c.forest.n_groups > 1) return;
    const std::size_t n_trees = c.forest.n_trees();
    std::vector<std::size_t> ends = {0, 0, 1, n_trees / 2, n_trees, n_trees};
    std::sort(ends.begin(), ends.end());
    for (const std::size_t n : {std::size_t{1}, std::size_t{65}, std::size_t{513}}) {
      std::vector<float> expected(n * ends.size()), out(expected.size());
      for (std::size_t s = 0; s < ends.size(); ++s) {
        const std::vector<float> after = oracle::margins(truncated(c.model, ends[s]), c.first(n));
        for (std::size_t i = 0; i < n; ++i) expected[i * ends.size() + s] = after[i];
      }
      for (const Ran& by : named_methods()) {
        if (!has_method(c.forest, by.kernel, by.method)) continue;
        CAPTURE(c.name, n, text(by));
        REQUIRE(predict_prefixes(c.forest, c.first(n), ends, out, by.kernel, by.method) == by);
        REQUIRE(difference(out, expected) == "");
      }
    }
  });
}

TEST_CASE("leaves of every shape equal the recursion's") {
  for_each_shape(17, [&](const Case& c) {
    for (const std::size_t n : {std::size_t{1}, std::size_t{17}}) {
      std::vector<std::int32_t> out(n * c.forest.n_file_trees());
      leaf_ids(c.forest, c.first(n), out);
      CAPTURE(c.name, n);
      REQUIRE(out == oracle::leaves(c.model, c.first(n)));
    }
  });
}

TEST_CASE("bags of every pair of shapes on the same features are merged to their mean, by every method") {
  std::map<int, std::vector<Case>> by_features;
  std::uint64_t stream = 0;
  for (const NamedModel& shaped : models_at_limits(kSeed))
    if (shaped.model.n_groups == 1 && shaped.model.n_features <= 6 && shaped.model.trees.size() <= 800)
      by_features[shaped.model.n_features].emplace_back(shaped, stream++, 130);
  constexpr double kShares[] = {0.0, 0.5, 1.0};
  for (const auto& [n_features, cases] : by_features)
    for (std::size_t k = 0; k < cases.size(); ++k) {
      const Case &a = cases[k], &b = cases[(k + 1) % cases.size()];
      const Forest bag[] = {a.forest, b.forest};
      const MergedForest merged = merge(bag, kShares);
      REQUIRE(merged.forest.warnings.empty());
      REQUIRE(merged.ends.back() == a.forest.n_trees() + b.forest.n_trees());
      const std::vector<float> other = oracle::margins(b.model, a.first(130));
      std::vector<float> out(130);
      for (const Ran& by : named_methods()) {
        if (!has_method(merged.forest, by.kernel, by.method)) continue;
        predict(merged.forest, a.first(130), out, {.kernel = by.kernel, .method = by.method});
        for (std::size_t i = 0; i < out.size(); ++i) {
          CAPTURE(a.name, b.name, text(by), i);
          const double mean = 0.5 * (static_cast<double>(a.expected[i]) + static_cast<double>(other[i]));
          REQUIRE(std::abs(static_cast<double>(out[i]) - mean) <= 1e-4 * (1 + std::abs(mean)));
        }
      }
    }
}

TEST_CASE("a threshold that no value reaches sends all but missing values to the left") {
  Random random(kSeed, 1);
  for (const NamedModel& shaped : models_at_limits(kSeed)) {
    if (shaped.model.n_features > 300 || shaped.model.trees.size() > 800) continue;
    Case c(shaped, random.next(), 513);
    for (Node& node : c.forest.nodes)  // as in a LightGBM model (forest.h)
      if (!node.is_leaf() && !node.is_category() && random.below(6) == 0) node.value = NAN;
    prepare(c.forest);
    std::vector<float> walked(output_size(c.forest, 513)), out(walked.size());
    predict(c.forest, c.first(513), walked, {.kernel = Kernel::scalar});
    for (const Ran& by : named_methods()) {
      if (!has_method(c.forest, by.kernel, by.method)) continue;
      predict(c.forest, c.first(513), out, {.kernel = by.kernel, .method = by.method});
      CAPTURE(c.name, text(by));
      REQUIRE(difference(out, walked) == "");
    }
  }
}
