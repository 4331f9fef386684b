#include "sluice/gbdt/kernels/vet.h"

#include <algorithm>
#include <functional>

#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/self_check.h"
#include "support/catch.h"
#include "support/forests_at_limits.h"

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::test;

namespace {

constexpr std::uint64_t kSeed = 20261201;

Forest shaped(const std::string& name) { return load_xgboost(to_json(model_at_limit(kSeed, name)), name); }

/// The forest with bins that were changed after they were built: the seam for injected faults.
Forest with_fault(Forest forest, const std::function<void(BinnedForest&)>& fault) {
  auto binned = bin_forest(forest);
  REQUIRE(binned != nullptr);
  fault(*binned);
  adopt(forest, std::move(binned));
  return forest;
}

/// The kernel's own choice gives the plain walk's margins, for any change of the bins.
bool are_right(const Forest& forest, std::size_t n_rows) {
  FloatTable rows(forest.n_features, n_rows);
  Random random(kSeed);
  for (std::size_t i = 0; i < n_rows; ++i)
    for (float& cell : rows.row(i)) cell = static_cast<float>(random.normal());
  std::vector<float> walked(output_size(forest, n_rows)), out(walked.size());
  predict(forest, rows.view(), walked, {.kernel = Kernel::scalar});
  predict(forest, rows.view(), out);
  return difference(out, walked).empty();
}

/// A change of the bins, and how the message of `check` begins.
struct Change {
  const char* what;
  std::function<void(BinnedForest&)> make;
};

void check_changes(const std::string& name, std::span<const Change> changes) {
  const Forest forest = shaped(name);
  for (const auto& [what, make] : changes) {
    auto binned = bin_forest(forest);
    REQUIRE(binned->check(forest) == "");
    make(*binned);
    CAPTURE(what, binned->check(forest));
    CHECK(binned->check(forest).starts_with(what));
  }
}

bool has_fast_kernels() { return kernels().size() > 1; }

}  // namespace

TEST_CASE("planes whose leaves were dropped with the blocks, as in a former bug, are found when the forest is loaded") {
  if (!has_fast_kernels()) return;
  const Forest good = shaped("converged");
  REQUIRE(good.warnings.empty());
  // The leaves as an empty list with capacity for one part: every index is beyond the end.
  const Forest emptied = with_fault(good, [](BinnedForest& binned) { binned.planes.leaves.assign(kMaxLeaves, 0); });
  REQUIRE(emptied.warnings.size() == 1);
  CHECK(emptied.warnings[0].find("leaves of part") != std::string::npos);
  CHECK(emptied.binned == nullptr);
  CHECK(are_right(emptied, 1));
  CHECK(are_right(emptied, 600));
  // The same with the process's own memory beyond the end, so that no index is out of range and the values are others'.
  const Forest others = with_fault(good, [](BinnedForest& binned) {
    std::fill(binned.planes.leaves.begin() + kMaxLeaves, binned.planes.leaves.end(), 0x7f800000u);
  });
  REQUIRE_FALSE(others.warnings.empty());
  CHECK(others.warnings[0].find("planes") != std::string::npos);
  for (const Kernel kernel : kernels())
    if (kernel != Kernel::scalar) CHECK_FALSE(has_method(others, kernel, Method::planes));
  CHECK(are_right(others, 600));
}

TEST_CASE("only the differing method is refused, and it is reported and never chosen") {
  if (!has_fast_kernels()) return;
  const std::pair<Method, std::function<void(BinnedForest&)>> kFaults[] = {
      {Method::planes, [](BinnedForest& b) { std::reverse(b.planes.leaves.begin(), b.planes.leaves.end() - 256); }},
      {Method::planes,
       [](BinnedForest& b) {
         for (PlaneNode& node : b.planes.nodes) node.cut = 126;
       }},
      {Method::planes,
       [](BinnedForest& b) {
         for (PlaneNode& node : b.planes.nodes) node.excluded = 0;
       }},
      {Method::rows, [](BinnedForest& b) { std::reverse(b.rows.exits.begin(), b.rows.exits.end()); }},
      {Method::rows,
       [](BinnedForest& b) {
         for (BlockNodes& nodes : b.rows.nodes) std::fill_n(nodes.cut, 64, kNoCut);
       }},
  };
  for (const char* name : {"full, levels 4", "groups 3", "stumps"})
    for (const auto& [method, fault] : kFaults) {
      const Forest forest = with_fault(shaped(name), fault);
      CAPTURE(name, to_string(method));
      REQUIRE(forest.warnings.size() == kernels().size() - 1);
      const Method other = method == Method::rows ? Method::planes : Method::rows;
      for (const Kernel kernel : kernels()) {
        if (kernel == Kernel::scalar) continue;
        CHECK_FALSE(has_method(forest, kernel, method));
        CHECK(has_method(forest, kernel, other));
      }
      CHECK(are_right(forest, 1));
      CHECK(are_right(forest, 600));
    }
}

TEST_CASE("cuts that both methods read wrongly leave only the walk") {
  if (!has_fast_kernels()) return;
  const Forest forest =
      with_fault(shaped("full, levels 5"), [](BinnedForest& b) { b.bins.fine.assign(b.bins.fine.size(), 0); });
  CHECK(forest.warnings.size() == 2 * (kernels().size() - 1));
  CHECK(choice_of(forest, 600) == Ran{Kernel::scalar, Method::walk});
  CHECK(are_right(forest, 600));
}

TEST_CASE("indices out of range are found in every structure") {
  const Change kChanges[] = {
      {"column", [](BinnedForest& b) { b.bins.columns.back().feature = 6; }},
      {"column", [](BinnedForest& b) { b.bins.columns.back().first_row += 1; }},
      {"column", [](BinnedForest& b) { b.bins.columns[0].n_rows = 17; }},
      {"coarse cuts", [](BinnedForest& b) { b.bins.coarse.pop_back(); }},
      {"whole blocks", [](BinnedForest& b) { b.rows.exits.pop_back(); }},
      {"whole blocks", [](BinnedForest& b) { b.rows.blocks.pop_back(); }},
      {"columns of block", [](BinnedForest& b) { b.rows.nodes[3].column[9] = 63; }},
      {"block", [](BinnedForest& b) { b.rows.blocks[2].nodes = 1000; }},
      {"block", [](BinnedForest& b) { b.rows.blocks[2].n_lanes = 8; }},
      {"block", [](BinnedForest& b) { b.rows.blocks[2].n_categories = 1; }},
      {"parts of trees", [](BinnedForest& b) { b.planes.first_part.pop_back(); }},
      {"leaves of part", [](BinnedForest& b) { b.planes.leaves.resize(b.planes.leaves.size() - 17); }},
      {"levels of part", [](BinnedForest& b) { b.planes.parts[1].levels = 7; }},
      {"levels of part", [](BinnedForest& b) { b.planes.parts[1].levels = PlanePart::kList; }},
      {"nodes of part", [](BinnedForest& b) { b.planes.parts.back().first_node += 1; }},
      {"split of planes", [](BinnedForest& b) { b.planes.nodes[5].column = 6; }},
      {"split of planes", [](BinnedForest& b) { b.planes.nodes[5].excluded = 7; }},
      {"split of planes", [](BinnedForest& b) { b.planes.nodes[5].place = 16; }},
  };
  check_changes("full, levels 4", kChanges);
}

TEST_CASE("indices out of range are found in categories, tiers and lists") {
  const Change kChanges[] = {
      {"category column", [](BinnedForest& b) { b.bins.category_columns[0].n_words = 3; }},
      {"lane", [](BinnedForest& b) { b.rows.lanes.place[0] = 64; }},
      {"lanes", [](BinnedForest& b) { b.rows.lanes.word.pop_back(); }},
      {"category of planes", [](BinnedForest& b) { b.planes.categories[0].column = 0; }},
      {"category of planes", [](BinnedForest& b) { b.planes.categories[0].set = 1u << 20; }},
      {"category of planes", [](BinnedForest& b) { b.bins.category_words.resize(3); }},
      {"block of a tier", [](BinnedForest& b) { b.rows.exits[0] = 1u << 20; }},
      {"exits of block", [](BinnedForest& b) { b.rows.exits.resize(b.rows.exits.size() / 2); }},
      {"levels of tier", [](BinnedForest& b) { b.rows.tier_levels[1] = 5; }},
      {"split of planes", [](BinnedForest& b) { b.planes.nodes[1].right = 255; }},
  };
  check_changes("categories of deep trees 33", kChanges);
}

TEST_CASE("missing blocks and exits are found in stumps") {
  const Change kChanges[] = {
      {"blocks of stumps", [](BinnedForest& b) { b.rows.exits.pop_back(); }},
      {"block", [](BinnedForest& b) { b.rows.nodes.pop_back(); }},
      {"blocks of stumps", [](BinnedForest& b) { b.rows.blocks.pop_back(); }},
      {"levels of tier", [](BinnedForest& b) { b.rows.tier_levels.push_back(kMaxLevels); }},
  };
  check_changes("stumps", kChanges);
}

TEST_CASE("probes are the same for the same forest and lie at its thresholds") {
  const Forest forest = shaped("full, levels 4");
  const FloatTable rows = probe_rows(forest), again = probe_rows(forest);
  std::size_t n_at = 0, n_missing = 0;
  for (std::size_t i = 0; i < rows.n_rows(); ++i)
    for (std::size_t f = 0; f < rows.n_columns(); ++f) {
      const float cell = rows.row(i)[f];
      CHECK(difference({&cell, 1}, again.row(i).subspan(f, 1)) == "");
      n_missing += cell != cell;
      n_at += std::any_of(forest.nodes.begin(), forest.nodes.end(),
                          [&](const Node& node) { return !node.is_leaf() && node.feature == f && node.value == cell; });
    }
  CHECK(n_at > 20);
  CHECK(n_missing > 10);
}

TEST_CASE("the kernels of this processor pass their own check") { CHECK(self_check() == std::vector<std::string>()); }
