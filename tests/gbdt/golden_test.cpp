#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/gbdt/features.h"
#include "sluice/gbdt/interventional.h"
#include "sluice/gbdt/linear.h"
#include "sluice/gbdt/load_lightgbm.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/predict_exact.h"
#include "sluice/gbdt/saabas.h"
#include "sluice/gbdt/shap.h"
#include "sluice/gbdt/tree_shap.h"
#include "support/catch.h"
#include "support/random_forest.h"

// Models, rows and margins written by LightGBM 4.7 and XGBoost 3.2: tests/data/make_lightgbm.py, make_xgboost.py.

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::test;

namespace {

const std::filesystem::path kData = std::filesystem::path(SLUICE_SOURCE_DIR) / "tests/data";

template <class T>
std::vector<T> raw(const std::string& name) {
  const std::string bytes = read_file(kData / name);
  std::vector<T> out(bytes.size() / sizeof(T));
  std::memcpy(out.data(), bytes.data(), out.size() * sizeof(T));
  return out;
}

std::vector<float> margins_of(const Forest& forest, BatchView rows) {
  std::vector<float> out(output_size(forest, rows.n_rows));
  if (forest.linear.empty())
    predict(forest, rows, out);
  else
    predict_linear(forest, rows, out);
  return out;
}

struct Golden {
  std::vector<float> cells;
  Forest forest;

  Golden(const std::string& name, const std::string& file)
      : cells(raw<float>(name + ".rows")), forest(load_forest(kData / (name + file))) {}
  BatchView rows() const { return {cells.data(), cells.size() / forest.n_features, forest.n_features}; }
};

}  // namespace

TEST_CASE("models of the newest XGBoost give its bits, from JSON and UBJSON") {
  for (const char* name :
       {"xgboost_vector", "xgboost_targets", "xgboost_vector_classes", "xgboost_quantiles", "xgboost_absolute",
        "xgboost_classes", "xgboost_linear", "xgboost_dart", "xgboost_dart_flat", "xgboost_categories"})
    for (const char* format : {".xgb.json", ".xgb.ubj"}) {
      if (!std::filesystem::exists(kData / (name + std::string(format)))) continue;
      CAPTURE(name, format);
      const Golden golden(name, format);
      CHECK(difference(margins_of(golden.forest, golden.rows()), raw<float>(name + std::string(".margins"))) == "");
    }
}

TEST_CASE("a UBJSON model is the same forest as its JSON") {
  for (const std::string name : {"xgboost_vector", "xgboost_linear", "xgboost_categories"}) {
    const Forest json = load_forest(kData / (name + ".xgb.json")), ubj = load_forest(kData / (name + ".xgb.ubj"));
    REQUIRE(json.nodes.size() == ubj.nodes.size());
    for (std::size_t i = 0; i < json.nodes.size(); ++i) {
      CHECK(std::bit_cast<std::uint32_t>(json.nodes[i].value) == std::bit_cast<std::uint32_t>(ubj.nodes[i].value));
      CHECK(json.nodes[i].bits == ubj.nodes[i].bits);
    }
    CHECK(json.cover == ubj.cover);
    CHECK(json.linear == ubj.linear);
    CHECK(json.category_words == ubj.category_words);
    CHECK(json.category_names == ubj.category_names);
    CHECK(json.feature_names == ubj.feature_names);
  }
}

TEST_CASE("a tree with vector leaves is one tree of the file") {
  const Golden golden("xgboost_vector", ".xgb.json");
  CHECK(golden.forest.n_file_trees() == 4);
  REQUIRE(golden.forest.n_trees() == 8);
  for (std::size_t t = 0; t < 8; ++t) {
    CHECK(golden.forest.trees[t].number == t / 2);
    CHECK(golden.forest.trees[t].group == t % 2);
  }
}

TEST_CASE("a category's text has the code that the model was trained with") {
  const Golden golden("xgboost_categories", ".xgb.json");
  REQUIRE(golden.forest.category_names[1] == std::vector<std::string>{"red", "green", "blue", "grey"});
  CHECK(golden.forest.category_names[2] == std::vector<std::string>{"10", "20", "35"});
  const std::string texts = read_file(kData / "xgboost_categories.texts");
  std::size_t at = 0;
  for (std::size_t i = 0; i < golden.rows().n_rows; ++i) {
    const std::size_t end = texts.find('\n', at);
    CHECK(category_code(golden.forest, 1, texts.substr(at, end - at)) == golden.rows().row(i)[1]);
    at = end + 1;
  }
  CHECK(category_code(golden.forest, 1, "pink") == std::nullopt);
  CHECK_THROWS_AS(category_code(golden.forest, 0, "red"), Error);
}

TEST_CASE("LightGBM's models give its doubles to the last bit, and these rounded to floats") {
  for (const std::string name :
       {"lightgbm_binary", "lightgbm_no_missing", "lightgbm_zero_missing", "lightgbm_classes", "lightgbm_ova",
        "lightgbm_poisson", "lightgbm_forest", "lightgbm_dart", "lightgbm_stump", "lightgbm_infinite",
        "lightgbm_mixed_missing", "lightgbm_lambda", "lightgbm_sqrt", "lightgbm_linear", "lightgbm_old"}) {
    CAPTURE(name);
    const Golden golden(name, ".lgb.txt");
    std::vector<double> exact(output_size(golden.forest, golden.rows().n_rows));
    predict_exact(golden.forest, golden.rows(), exact);
    const std::vector<double> expected = raw<double>(name + ".margins");
    REQUIRE(exact.size() == expected.size());
    for (std::size_t i = 0; i < exact.size(); ++i) {
      CAPTURE(i, exact[i], expected[i]);
      REQUIRE(std::bit_cast<std::uint64_t>(exact[i]) == std::bit_cast<std::uint64_t>(expected[i]));
    }
    const std::vector<float> margins = margins_of(golden.forest, golden.rows());
    for (std::size_t i = 0; i < exact.size(); ++i) {
      CAPTURE(i);
      CHECK(margins[i] == static_cast<float>(exact[i]));
    }
  }
}

TEST_CASE("linear trees have no attributions, as in LightGBM") {
  const Golden golden("lightgbm_linear", ".lgb.txt");
  CHECK_THROWS_AS(ShapTables(golden.forest), Error);
}

TEST_CASE("cross_entropy_lambda and reg_sqrt give LightGBM's predictions") {
  for (const std::string name : {"lightgbm_lambda", "lightgbm_sqrt"}) {
    const Golden golden(name, ".lgb.txt");
    std::vector<float> predictions = margins_of(golden.forest, golden.rows());
    apply_link(golden.forest, predictions);
    const std::vector<double> expected = raw<double>(name + ".predictions");
    REQUIRE(predictions.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CAPTURE(name, i);
      CHECK(static_cast<double>(predictions[i]) == Approx(expected[i]).epsilon(1e-6).margin(1e-9));
    }
  }
}

TEST_CASE("every method gives LightGBM's contributions") {
  for (const std::string name : {"lightgbm_infinite", "lightgbm_mixed_missing"}) {
    const Golden golden(name, ".lgb.txt");
    const std::vector<double> expected = raw<double>(name + ".contribs");
    std::vector<double> phi(attribution_size(golden.forest, golden.rows().n_rows)), fast(phi.size());
    REQUIRE(phi.size() == expected.size());
    tree_shap(golden.forest, golden.rows(), phi);
    const ShapTables tables(golden.forest);
    for (const Precision precision : {Precision::single, Precision::audit}) {
      shap(golden.forest, tables, golden.rows(), fast, {.precision = precision});
      const double tolerance = precision == Precision::audit ? 1e-9 : 1e-5;
      for (std::size_t k = 0; k < phi.size(); ++k) {
        CAPTURE(name, k, phi[k], fast[k], expected[k]);
        CHECK(std::abs(phi[k] - expected[k]) < 1e-6);  // of leaves in float32
        CHECK(std::abs(fast[k] - phi[k]) < tolerance);
      }
    }
    saabas(golden.forest, golden.rows(), fast);  // checks its sums itself
    const InterventionalTables background(golden.forest, golden.rows());
    interventional_shap(golden.forest, background, golden.rows(), fast);
  }
}
