#include <chrono>
#include <cmath>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/gbdt/iterations.h"
#include "sluice/gbdt/leaves.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "support/catch.h"
#include "support/random_forest.h"

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::test;

namespace {

std::string error_of(std::string_view bytes) {
  try {
    load_forest(bytes, "m");
  } catch (const Error& error) {
    return error.code() + ": " + error.message();
  }
  return "no error";
}

std::string read_golden(const std::string& name) {
  return read_file(std::filesystem::path(SLUICE_SOURCE_DIR) / "tests/data" / name);
}

}  // namespace

TEST_CASE("a model without trees gives its base margin") {
  PlainModel model;
  model.objective = "reg:squarederror";
  model.base_score = "2.5E0";
  const Forest forest = load_xgboost(to_json(model), "m");
  const float row[] = {1.0f};
  float margin = 0;
  predict(forest, BatchView(row, 1, 1), {&margin, 1});
  CHECK(margin == 2.5f);
  CHECK(n_iterations(forest) == 0);
}

TEST_CASE("a row's own base margin replaces the forest's") {
  Random random(20260508);
  for (int trial = 0; trial < 50; ++trial) {
    PlainModel model = random_model(random);
    const FloatTable rows = random_rows(model, 60, random);
    const Forest forest = load_xgboost(to_json(model), "m");
    std::vector<float> base(output_size(forest, 60)), actual(base.size());
    for (float& value : base) value = static_cast<float>(random.normal());
    predict(forest, rows.view(), actual, {.base_margin = base});
    for (std::size_t k = 0; k < base.size(); ++k) {
      const std::size_t row = k / forest.n_groups;
      model.base_margin = base[k];
      CHECK(actual[k] == oracle::margins(model, rows.view().slice(row, 1))[k % forest.n_groups]);
    }
  }
}

TEST_CASE("a tree of a million nodes loads and is walked") {
  PlainModel model;
  model.n_features = 3;
  PlainTree tree{0, std::vector<PlainNode>((1 << 20) - 1)};
  Random random(8);
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    PlainNode& node = tree.nodes[i];
    node.value = static_cast<float>(random.normal());
    if (2 * i + 2 >= tree.nodes.size()) continue;
    node.left = static_cast<int>(2 * i + 1);
    node.right = static_cast<int>(2 * i + 2);
    node.feature = static_cast<int>(random.below(3));
  }
  model.trees.push_back(std::move(tree));
  const Forest forest = load_xgboost(to_json(model), "m");
  const FloatTable rows = random_rows(model, 200, random);
  std::vector<float> margins(200);
  predict(forest, rows.view(), margins);
  CHECK(difference(margins, oracle::margins(model, rows.view())) == "");
}

TEST_CASE("files of other formats are rejected by name") {
  CHECK(error_of("binf" + std::string(100, 'x')).find("old binary format") != std::string::npos);
  CHECK(error_of(std::string("\0\0\0\x3f\x05\0\0\0\0\0", 10)).find("old binary format") != std::string::npos);
  CHECK(error_of("").starts_with("forest.json"));
  CHECK(error_of("tree").starts_with("forest.json"));
  CHECK(error_of("tree\n").starts_with("forest.lightgbm"));
}

TEST_CASE("a UBJSON model truncated anywhere is rejected") {
  const std::string good = read_golden("xgboost_categories.xgb.ubj");
  for (std::size_t size = 0; size < good.size(); ++size)
    if (const std::string error = error_of(std::string_view(good).substr(0, size)); !error.starts_with("forest.")) {
      CAPTURE(size, error);
      FAIL("it was loaded");
    }
}

TEST_CASE("a changed byte of a UBJSON model gives an error or a forest that can be walked") {
  const std::string good = read_golden("xgboost_categories.xgb.ubj");
  Random random(20260507);
  for (int trial = 0; trial < 3000; ++trial) {
    std::string bytes = good;
    for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes)
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    try {
      const Forest forest = load_forest(bytes, "fuzz.ubj");
      if (forest.n_features > 1000) continue;
      FloatTable rows(forest.n_features, 3);
      std::vector<float> margins(output_size(forest, 3));
      predict(forest, rows.view(), margins);
    } catch (const Error& error) {
      REQUIRE(error.code().starts_with("forest."));
    }
  }
}

TEST_CASE("a small UBJSON file cannot allocate the memory of a large one") {
  const std::string name = "{L" + std::string("\0\0\0\0\0\0\0\1", 8) + "a";
  const std::string huge = "[$Z#L" + std::string("\x10\0\0\0\0\0\0\0", 8);
  CHECK(error_of(name + huge).starts_with("forest.json"));
  const std::string wide = "[$Z#L" + std::string("\0\0\0\0\0\x10\0\0", 8);
  std::string many = name + "[";
  for (int i = 0; i < 100; ++i) many += wide;
  CHECK(error_of(many + "]}").starts_with("forest.json"));
  CHECK(error_of(name + std::string(1000000, '[')).starts_with("forest.json"));
}
