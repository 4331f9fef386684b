#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/random.h"
#include "sluice/gbdt/leaves.h"
#include "sluice/gbdt/load/load_lightgbm_tree.h"
#include "sluice/gbdt/load_lightgbm.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/predict_exact.h"
#include "support/catch.h"

using namespace sluice;
using namespace sluice::gbdt;

namespace {

constexpr double kZero = static_cast<double>(1e-35f);

/// LightGBM's own comparison, after its functions have replaced small numbers by zero.
bool goes_left_in_lightgbm(float x, double threshold) {
  const double value = std::abs(static_cast<double>(x)) <= kZero ? 0.0 : static_cast<double>(x);
  return value <= threshold;
}

float any_float(Random& random) {
  const float odd[] = {0.0f,   -0.0f,    1e-35f,    -1e-35f,       1e-45f,         -1e-45f,
                       1e-38f, INFINITY, -INFINITY, 3.4028235e38f, -3.4028235e38f, 1.0f};
  if (random.uniform() < 0.3) return odd[random.below(std::size(odd))];
  const auto bits = static_cast<std::uint32_t>(random.next());
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return std::isnan(x) ? 0.5f : x;
}

std::string golden(const std::string& name) {
  return read_file(std::filesystem::path(SLUICE_SOURCE_DIR) / "tests/data" / (name + ".lgb.txt"));
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != text.npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a double threshold with <= becomes a float threshold with >=") {
  Random random(20260505);
  for (int trial = 0; trial < 200000; ++trial) {
    const float near = any_float(random);
    const double ulps = static_cast<double>(random.below(5)) - 2;
    double threshold = static_cast<double>(near) * (1 + ulps * 3e-8);
    if (trial % 5 == 0) threshold = static_cast<double>(near);
    if (trial % 7 == 0) threshold = random.uniform(-3, 3) * std::pow(10, random.uniform(-320, 300));
    if (trial % 11 == 0) threshold = std::numeric_limits<double>::infinity();
    if (trial % 13 == 0) threshold = std::numeric_limits<double>::quiet_NaN();
    const float split = above(threshold);
    for (const float x : {near, std::nextafter(near, 1e38f), std::nextafter(near, -1e38f), split,
                          std::nextafter(split, -INFINITY), any_float(random)}) {
      if (std::isnan(x) || goes_left_in_lightgbm(x, threshold) == !(x >= split)) continue;
      CAPTURE(trial, x, threshold, split);
      FAIL("the sides differ");
    }
  }
}

TEST_CASE("a LightGBM model's shape and link are read") {
  const Forest binary = load_lightgbm(golden("lightgbm_binary"), "m");
  CHECK(binary.link == Link::logistic);
  CHECK(binary.link_scale == 2.0f);
  CHECK(binary.feature_types == std::vector<std::string>{"q", "q", "q", "c"});
  std::vector<float> margin = {0.25f};
  apply_link(binary, margin);
  CHECK(margin[0] == Approx(1 / (1 + std::exp(-0.5))));

  const Forest classes = load_lightgbm(golden("lightgbm_classes"), "m");
  CHECK(classes.n_groups == 3);
  CHECK(classes.link == Link::softmax);
  CHECK(classes.iteration_first == std::vector<std::uint32_t>{0, 3, 6, 9, 12});
  CHECK(load_lightgbm(golden("lightgbm_zero_missing"), "m").nodes[0].zero_is_missing());
  CHECK(load_lightgbm(golden("lightgbm_lambda"), "m").link == Link::softplus);
  CHECK(load_lightgbm(golden("lightgbm_sqrt"), "m").link == Link::signed_square);
}

TEST_CASE("a damaged LightGBM model is rejected with file, tree and node") {
  struct Fault {
    const char *from, *to, *code, *message;
  };
  constexpr Fault kFaults[] = {
      {"version=v4", "version=v5", "forest.unsupported", "v5"},
      {"num_cat=", "n=", "forest.unsupported", "before 2.0.5"},
      {"cat_boundaries=0 ", "cat_boundaries=0 99999999 ", "forest.tree", "outside of the tree's"},
      {"objective=binary", "objective=mine", "forest.objective", "mine"},
      {"max_feature_idx=3", "max_feature_idx=9", "forest.lightgbm", "max_feature_idx"},
      {"max_feature_idx=3", "max_feature_idx=-1", "forest.lightgbm", "max_feature_idx"},
      {"num_tree_per_iteration=1", "num_tree_per_iteration=3", "forest.lightgbm", "multiple"},
      {"num_tree_per_iteration=1", "num_tree_per_iteration=0", "forest.lightgbm", "num_tree_per_iteration"},
      {"tree_sizes=", "tree_sizes=1 ", "forest.lightgbm", "tree 8"},
      {"Tree=1", "Tre=1", "forest.lightgbm", "tree 1"},
      {"num_leaves=", "num_leaves=1", "forest.lightgbm", "tree 0"},
      {"left_child=", "left_child=0 ", "forest.lightgbm", "tree 0"},
      {"left_child=2 ", "left_child=0 ", "forest.tree", "tree 0, node 0"},
      {"left_child=2 ", "left_child=77 ", "forest.tree", "outside of the tree"},
      {"left_child=2 ", "left_child=-1 ", "forest.lightgbm", "reached"},
      {"left_child=2 ", "left_child=-99 ", "forest.tree", "outside of the tree"},
      {"split_feature=", "split_feature=9", "forest.tree", "feature 9"},
      {"threshold=", "threshold=nan ", "forest.lightgbm", "elements"},
      {"is_linear=0", "is_linear=1", "forest.lightgbm", "leaf_const"},
      {"end of trees", "end", "forest.lightgbm", "end of trees"},
  };
  const std::string good = golden("lightgbm_binary");
  for (const Fault& fault : kFaults) {
    CAPTURE(fault.from, fault.to);
    std::string from = fault.from;
    try {
      load_lightgbm(replaced(good, from, fault.to), "bad.txt");
      FAIL("it was loaded");
    } catch (const Error& error) {
      CAPTURE(error.message());
      CHECK(error.code() == fault.code);
      CHECK(error.message().starts_with("bad.txt"));
      if (std::string_view(fault.message) != "elements")
        CHECK(error.message().find(fault.message) != std::string::npos);
    }
  }
}

TEST_CASE("a damaged linear leaf is rejected") {
  const std::string good = golden("lightgbm_linear");
  for (const auto& [from, to] :
       {std::pair("leaf_const=", "leaf_const=1 "), std::pair("num_features=", "num_features=9 "),
        std::pair("num_features=1", "num_features=-1"), std::pair("leaf_coeff=", "leaf_coeff=1 "),
        std::pair("leaf_features=", "leaf_features=0 "), std::pair("leaf_features=", "leaf_features=9")}) {
    CAPTURE(from, to);
    try {
      load_lightgbm(replaced(good, from, to), "bad.txt");
      FAIL("it was loaded");
    } catch (const Error& error) {
      CHECK(error.code() == "forest.lightgbm");
    }
  }
}

TEST_CASE("a truncated or altered LightGBM model gives an error or a forest that can be walked") {
  const std::string good = golden(GENERATE("lightgbm_zero_missing", "lightgbm_linear"));
  const std::size_t end = good.find("end of trees");
  for (std::size_t size = 0; size < end; size += 7)
    CHECK_THROWS_AS(load_lightgbm(std::string_view(good).substr(0, size), "cut.txt"), Error);

  Random random(20260506);
  constexpr std::string_view kBytes = "0123456789-+.e= \n\0\xffni";
  for (int trial = 0; trial < 1500; ++trial) {
    std::string text = good;
    for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes)
      text[random.below(text.size())] = kBytes[random.below(kBytes.size())];
    try {
      const Forest forest = load_lightgbm(text, "fuzz.txt");
      if (forest.n_features > 1000) continue;
      FloatTable rows(forest.n_features, 3);
      std::vector<double> exact(output_size(forest, 3));
      std::vector<float> margins(exact.size());
      predict_exact(forest, rows.view(), exact);
      predict(forest, rows.view(), margins);
    } catch (const Error& error) {
      REQUIRE(error.code().starts_with("forest."));
    }
  }
}
