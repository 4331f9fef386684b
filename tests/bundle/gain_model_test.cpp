#include "sluice/bundle/gain_model.h"

#include <algorithm>
#include <cmath>

#include "sluice/base/error.h"
#include "sluice/cascade/engine.h"
#include "sluice/gbdt/load_xgboost.h"
#include "support/catch.h"
#include "support/code_of.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {

using namespace cascade;

namespace {

/// The expected gain of a row, by the plainest walk over the generator's own trees.
double by_walk(const PlainModel& model, const std::vector<float>& features) {
  double sum = 0;
  for (const PlainTree& tree : model.trees) {
    int at = 0;
    while (tree.nodes[static_cast<std::size_t>(at)].left >= 0) {
      const PlainNode& node = tree.nodes[static_cast<std::size_t>(at)];
      const float x = features[static_cast<std::size_t>(node.feature)];
      bool goes_left = node.default_left;
      if (!std::isnan(x) && node.categories.empty()) goes_left = x < node.value;
      if (!std::isnan(x) && !node.categories.empty())
        goes_left = std::count(node.categories.begin(), node.categories.end(), static_cast<int>(x)) == 0;
      at = goes_left ? node.left : node.right;
    }
    sum += static_cast<double>(tree.nodes[static_cast<std::size_t>(at)].value);
  }
  return sum;
}

std::shared_ptr<Bundle> with_band(const Bundle& bundle, std::optional<Band> band) {
  auto changed = std::make_shared<Bundle>(bundle);
  changed->policy.band = band;
  return changed;
}

}  // namespace

TEST_CASE("a row in the band is forwarded if its expected gain is at least min_gain") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "b", 3, {.band = kGainBand});
  const PlainModel model = small_gain_model(bundle->schema, 3);
  const Table rows = small_rows(bundle->schema, 600, 4);
  const Band band{0.25, 0.8, false, 0.1};
  const Engine engine(with_band(*bundle, band));
  std::size_t n_forwarded = 0, n_below = 0, n_outside = 0;
  for (std::size_t i = 0; i < rows.n_rows(); ++i) {
    CAPTURE(i);
    const Decision d = engine.decide(rows.row(i));
    std::vector<float> features;
    for (const std::size_t c : bundle->schema.forest_columns()) features.push_back(static_cast<float>(rows.row(i)[c]));
    features.push_back(d.forest.margin);
    const double expected = by_walk(model, features);
    const bool is_inside = d.forest.p >= 0.25 && d.forest.p < 0.8;
    REQUIRE(std::isnan(d.gain) == !is_inside);
    if (is_inside) REQUIRE(static_cast<double>(d.gain) == Approx(expected).margin(1e-5));
    REQUIRE(d.in_band == (is_inside && d.gain >= 0.1f));
    REQUIRE(d.network.ran == d.in_band);
    n_forwarded += d.in_band, n_outside += !is_inside, n_below += is_inside && !d.in_band;
  }
  CHECK(n_forwarded > 50);
  CHECK(n_below > 50);
  CHECK(n_outside > 50);
}

TEST_CASE("a gain of exactly min_gain is enough, and the next smaller one is not") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "b", 5, {.band = kGainBand});
  const Table rows = small_rows(bundle->schema, 20, 6);
  for (std::size_t i = 0; i < rows.n_rows(); ++i) {
    const auto gain = static_cast<double>(Engine(bundle).decide(rows.row(i)).gain);
    const auto is_forwarded = [&](double least) {
      return Engine(with_band(*bundle, Band{0, 1, true, least})).decide(rows.row(i)).in_band;
    };
    CHECK(is_forwarded(gain));
    CHECK_FALSE(is_forwarded(std::nextafter(gain, INFINITY)));
  }
}

TEST_CASE("without min_gain the model is not evaluated, and min_gain without a model is refused") {
  const TempDir dir;
  const auto with = small_bundle(dir / "a", 7, {.band = kGainBand}), without = small_bundle(dir / "b", 7);
  const Table rows = small_rows(with->schema, 50, 8);
  const Engine plain(with_band(*with, Band{0.3, 0.7})), bare(without);
  for (std::size_t i = 0; i < rows.n_rows(); ++i) {
    const Decision d = plain.decide(rows.row(i));
    CHECK(std::isnan(d.gain));
    CHECK(d.in_band == bare.decide(rows.row(i)).in_band);
  }
  CHECK(code_of([&] { Engine engine(with_band(*without, kGainBand)); }) == "policy.min_gain");
  BundleFiles files = small_bundle_files(7, {.band = kGainBand});
  files.erase("gain.json");
  write_bundle(dir / "c", files, {});
  CHECK(code_of([&] { Bundle::load(dir / "c"); }) == "policy.min_gain");
}

TEST_CASE("a gain model that does not match the schema, or has a link, does not load") {
  const Schema schema = small_schema();
  const auto code = [&](PlainModel model) {
    return code_of([&] { GainModel(gbdt::load_xgboost(to_json(model), "gain.json"), schema); });
  };
  const PlainModel sound = small_gain_model(schema, 1);
  CHECK(code(sound) == "");
  PlainModel changed = sound;
  changed.objective = "binary:logistic", changed.base_score = "5E-1";
  CHECK(code(changed) == "gain.model");
  changed = sound;
  ++changed.n_features;
  CHECK(code(changed) == "gain.model");
  gbdt::Forest renamed = gbdt::load_xgboost(to_json(sound), "gain.json");
  for (const std::size_t column : schema.forest_columns()) renamed.feature_names.push_back(schema[column].name);
  renamed.feature_names.push_back("margin");
  CHECK(code_of([&] { GainModel(renamed, schema); }) == "gain.model");
  renamed.feature_names.back() = GainModel::kMarginName;
  CHECK(code_of([&] { GainModel(renamed, schema); }) == "");
}

}  // namespace sluice::test
