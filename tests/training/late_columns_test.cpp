#include <algorithm>
#include <memory>

#include "sluice/base/error.h"
#include "sluice/base/number.h"
#include "sluice/base/random.h"
#include "sluice/cascade/engine.h"
#include "sluice/training/train.h"
#include "support/catch.h"
#include "support/code_of.h"
#include "training/small_request.h"

namespace sluice::test {

using namespace training;

TEST_CASE("only the network reads late columns, and the bundle decides with them") {
#ifdef SLUICE_HAVE_TORCH
  const TempDir dir;
  TrainRequest request = small_request(dir);
  request.columns.late = {"device_risk", "merchant_watch"};
  request.band.min_z = -1e9;
  const TrainResult result = train(request);
  cascade::write_bundle(dir / "b", result.files, result.provenance);
  const auto bundle = std::make_shared<const cascade::Bundle>(cascade::Bundle::load(dir / "b"));
  CHECK(bundle->schema.late_columns().size() == 2);
  for (const auto& forest : *bundle->forests)
    for (const auto& name : forest.feature_names) CHECK((name != "device_risk" && name != "merchant_watch"));
  CHECK(bundle->network->encoder().numbers().size() >= 2);
  request.with_network = false;
  CHECK_THROWS_AS(train(request), Error);
#endif
}

TEST_CASE("a given policy with min_gain gets a gain model, or an error if training has no network") {
  const TempDir dir;
  TrainRequest request = small_request(dir);
  write_file(dir / "policy.json",
             R"({"policy_version": 4, "band": {"low": 0, "high": 1, "closed": true, "min_gain": 0.001}, "levels":
                {"L0": {"approve_below": 0.2, "decline_from": 0.5}, "L1": {"approve_below": 0.2, "decline_from": 0.5}}})");
  request.policy = dir / "policy.json";
#ifdef SLUICE_HAVE_TORCH
  const TrainResult trained = train(request);
  cascade::write_bundle(dir / "b", trained.files, trained.provenance);
  const auto bundle = cascade::Bundle::load(dir / "b");
  REQUIRE(bundle.gain);
  CHECK(bundle.policy.version == 4);
#endif
  request.with_network = false;
  CHECK(code_of([&] { train(request); }) == "policy.min_gain");
}

TEST_CASE("if a late column is informative for one kind of request only, that kind is forwarded") {
#ifdef SLUICE_HAVE_TORCH
  const TempDir dir;
  Random random(5);
  std::string text = "x,kind,late,bad\n";
  for (int i = 0; i < 9000; ++i) {
    const double x = random.normal(), late = random.normal();
    const bool is_new = random.below(10) < 3;
    const bool is_bad = random.uniform() < sigmoid(0.2 * x + (is_new ? 3 * late : 0.0));
    text += number_text(x) + (is_new ? ",new," : ",old,") + number_text(late) + (is_bad ? ",1\n" : ",0\n");
  }
  TrainRequest request = small_request(dir);
  write_file(dir / "t.csv", text);
  request.columns.label = "bad";
  request.columns.drop.clear();
  request.columns.late = {"late"};
  request.costs = cascade::Costs{1, 1};
  request.network_options.members[0].hidden = {32};
  request.network_options.max_epochs = 25;
  const TrainResult by_gain = train(request);
  request.band.by_gain = false;
  const TrainResult by_interval = train(request);

  REQUIRE(by_gain.report.band.band->min_gain.has_value());
  CHECK_FALSE(by_interval.files.contains("gain.json"));
  CHECK(by_gain.report.figures.back().share_forwarded < 0.33);
  CHECK(*by_gain.report.share_of_cost_reduction > 0.9);
  if (by_interval.report.share_of_cost_reduction) CHECK(*by_interval.report.share_of_cost_reduction < 0.6);

  cascade::write_bundle(dir / "b", by_gain.files, by_gain.provenance);
  const auto bundle = std::make_shared<const cascade::Bundle>(cascade::Bundle::load(dir / "b"));
  const cascade::Engine engine(bundle);
  const std::size_t kind = bundle->schema.index_of("kind");
  const auto code_of_new = static_cast<double>(std::ranges::find(bundle->schema[kind].vocabulary, "new") -
                                               bundle->schema[kind].vocabulary.begin());
  int n_new = 0, n_old = 0;
  for (int i = 0; i < 500; ++i) {
    std::vector<double> row(bundle->schema.size());
    row[bundle->schema.index_of("x")] = random.normal();
    row[kind] = static_cast<double>(i % 2);
    row[bundle->schema.index_of("late")] = random.normal();
    (row[kind] == code_of_new ? n_new : n_old) += engine.decide(row).network.ran;
  }
  CHECK(n_new > 225);
  CHECK(n_old < 25);
#else
  WARN("SKIP: this build has no LibTorch");
#endif
}

}  // namespace sluice::test
