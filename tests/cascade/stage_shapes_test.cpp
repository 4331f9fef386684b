/// The network stage, the engine and the lists of a decision for many shapes: columns, encoded inputs, late columns,
/// rows and rules around the size of every buffer, block and limit.

#include <algorithm>
#include <cmath>
#include <limits>

#include "dnn/dnn_support.h"
#include "sluice/base/error.h"
#include "sluice/bundle/calibration.h"
#include "sluice/cascade/engine.h"
#include "sluice/cascade/network_stage.h"
#include "sluice/cascade/routing.h"
#include "sluice/gbdt/load_xgboost.h"
#include "support/catch.h"
#include "support/code_of.h"
#include "support/forest_shapes.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

using namespace cascade;

constexpr std::uint64_t kSeed = 20260404;

/// `n_columns` numbers, the last `n_late` of them late; the forest reads at least one. With a category before them if
/// `has_category`.
Schema schema_of(std::size_t n_columns, std::size_t n_late = 0, bool has_category = false) {
  std::vector<Column> columns;
  if (has_category) columns.push_back({.name = "c", .kind = Kind::category, .vocabulary = {"a", "b"}});
  for (std::size_t i = 0; i < n_columns; ++i)
    columns.push_back({.name = "x" + std::to_string(i), .late = i + n_late >= n_columns});
  return Schema(columns);
}

std::shared_ptr<Bundle> bundle_of(const Schema& schema) {
  auto bundle = std::make_shared<Bundle>();
  const PlainModel model = make_forest(
      {"", static_cast<int>(schema.forest_columns().size()), 1, std::vector<TreeShape>(5, {.depth = 3})}, kSeed);
  bundle->schema = schema;
  bundle->forests =
      std::make_shared<const std::vector<gbdt::Forest>>(1, gbdt::load_xgboost(to_json(model), "forest.json"));
  bundle->network = random_network_of(schema, {{.hidden = {3}}}, kSeed).network;
  bundle->policy.band = Band{0, 1, true};
  bundle->policy.network.device = dnn::Device::cpu;
  return bundle;
}

Table rows_of(const Schema& schema, std::size_t n_rows) {
  Random random(kSeed);
  Table rows(schema.size(), n_rows);
  for (std::size_t i = 0; i < n_rows; ++i)
    for (double& cell : rows.row(i)) cell = random.below(9) == 0 ? std::nan("") : random.normal();
  return rows;
}

/// A fake device that gives the CPU's margins for large blocks, or reports more outputs than it has.
class Device final : public dnn::Executor {
 public:
  explicit Device(std::shared_ptr<const dnn::Network> network, std::size_t n_outputs = 1)
      : cpu_(dnn::make_executor(std::move(network), dnn::Device::cpu)), n_outputs_(n_outputs) {}
  void forward(BatchView encoded, std::span<float> margins) const override {
    largest = std::max(largest, encoded.n_rows);
    cpu_->forward(encoded, margins);
  }
  std::size_t n_outputs() const override { return n_outputs_; }
  std::string_view device() const override { return "fake:0"; }
  std::string_view kernel() const override { return "fake"; }
  mutable std::size_t largest = 0;

 private:
  std::unique_ptr<dnn::Executor> cpu_;
  std::size_t n_outputs_;
};

/// The network's margins, one encoded row at a time.
std::vector<float> plain_margins(const Bundle& bundle, const Table& rows, std::span<const PrefixMargins> staged) {
  const auto executor = dnn::make_executor(bundle.network, dnn::Device::cpu);
  std::vector<float> encoded(bundle.encoder()->n_encoded()), margins(rows.n_rows());
  for (std::size_t i = 0; i < rows.n_rows(); ++i) {
    bundle.encoder()->encode(rows.row(i), staged[i], encoded);
    executor->forward(BatchView(std::span<const float>(encoded)), {&margins[i], 1});
  }
  return margins;
}

std::vector<PrefixMargins> staged_of(std::size_t n_rows) {
  Random random(kSeed, 1);
  std::vector<PrefixMargins> staged(n_rows);
  for (PrefixMargins& of : staged)
    for (float& margin : of) margin = static_cast<float>(random.normal());
  return staged;
}

/// Gives the i-th late column 1000 + i.
class Provider final : public FeatureProvider {
 public:
  Result fetch(RowView, std::span<double> late, Deadline) const override {
    for (std::size_t i = 0; i < late.size(); ++i) late[i] = 1000.0 + static_cast<double>(i);
    return Result::ok;
  }
};

}  // namespace

TEST_CASE(
    "a network stage gives plain margins for numbers of rows and inputs around its blocks and its stack buffers") {
  // Numbers with a flag for missing values are two inputs each, a category is one, the forest gives five. The stack
  // buffer has room for 64 rows of 256 inputs, and for two rows of the maximum number of inputs.
  for (const auto& [n_numbers, has_category] : std::vector<std::pair<std::size_t, bool>>{
           {1, false}, {125, false}, {125, true}, {126, false}, {4093, false}, {4093, true}, {4094, false}}) {
    const bool is_wide = n_numbers > 1000;
    const Schema schema = schema_of(n_numbers, 0, has_category);
    const auto bundle = bundle_of(schema);
    const std::shared_ptr<const dnn::Encoder> encoder(bundle->network, &bundle->network->encoder());
    const auto stage = make_network_stage(bundle->network, dnn::Device::cpu);
    const auto device = std::make_shared<Device>(bundle->network);
    const auto on_device = make_network_stage(encoder, device);
    const std::vector<std::size_t> few = {0, 1, 2, 3}, many = {0, 1, 2, 63, 64, 65, 127, 128, 129};
    const Table rows = rows_of(schema, is_wide ? 3 : 129);
    const std::vector<PrefixMargins> staged = staged_of(rows.n_rows());
    const std::vector<float> expected = plain_margins(*bundle, rows, staged);
    for (const std::size_t n : is_wide ? few : many)
      for (const NetworkStage* of : {stage.get(), on_device.get()}) {
        std::vector<float> margins(n, -1);
        CAPTURE(n_numbers, has_category, n);
        REQUIRE(encoder->n_encoded() == 2 * n_numbers + (has_category ? 1 : 0) + 5);
        REQUIRE(of->score(rows.view().slice(0, n), std::span(staged).first(n), margins, Deadline::none()).cause ==
                Cause::none);
        REQUIRE(bits(margins) == bits(std::span(expected).first(n)));
      }
  }
}

TEST_CASE("a device gets its rows in blocks of 4096, and every row is in one") {
  const auto bundle = bundle_of(schema_of(1));
  const std::shared_ptr<const dnn::Encoder> encoder(bundle->network, &bundle->network->encoder());
  const Table rows = rows_of(bundle->schema, 8193);
  const std::vector<PrefixMargins> staged = staged_of(rows.n_rows());
  const std::vector<float> expected = plain_margins(*bundle, rows, staged);
  for (const std::size_t n : {4095, 4096, 4097, 8191, 8192, 8193}) {
    const auto device = std::make_shared<Device>(bundle->network);
    std::vector<float> margins(n, -1);
    make_network_stage(encoder, device)
        ->score(rows.view().slice(0, n), std::span(staged).first(n), margins, Deadline::none());
    CAPTURE(n);
    CHECK(bits(margins) == bits(std::span(expected).first(n)));
    CHECK(device->largest == std::min<std::size_t>(n, 4096));
  }
}

TEST_CASE("a stage refuses networks with several outputs, whatever executor runs them") {
  const auto bundle = bundle_of(schema_of(2));
  const std::shared_ptr<const dnn::Encoder> encoder(bundle->network, &bundle->network->encoder());
  const RandomNetwork three = random_network_of(schema_of(2), {{.hidden = {3}}}, kSeed, 3);
  const auto code = [](const auto& call) { return code_of([&] { call(); }); };
  CHECK(code([&] { make_network_stage(three.network, dnn::Device::cpu); }) == "network.outputs");
  CHECK(code([&] { make_network_stage(encoder, std::make_shared<Device>(bundle->network, 3)); }) == "network.outputs");
  // Its encoder reads three margins after each prefix, and would read beyond the four that exist.
  CHECK(code([&] {
          make_network_stage(std::make_shared<dnn::Encoder>(three.encoder), std::make_shared<Device>(bundle->network));
        }) == "network.outputs");
}

TEST_CASE("decisions of row counts around the stack buffers and a batch's blocks are the same, alone and in a batch") {
  for (const std::size_t n_columns : {1, 2, 511, 512, 513}) {
    const Engine engine(bundle_of(schema_of(n_columns)));
    const Table rows = rows_of(schema_of(n_columns), n_columns == 2 ? 513 : 20);
    for (const std::size_t n : {0, 1, 2, 20, 255, 256, 257, 511, 512, 513}) {
      if (n > rows.n_rows()) continue;
      std::vector<Decision> batch(n);
      engine.decide_batch(rows.view().slice(0, n), batch);
      for (std::size_t i = 0; i < n; ++i) {
        const Decision one = engine.decide(rows.row(i));
        CAPTURE(n_columns, n, i);
        REQUIRE(one.network.ran);
        REQUIRE(bits({&one.network.margin, 1}) == bits({&batch[i].network.margin, 1}));
        REQUIRE(bits({&one.forest.margin, 1}) == bits({&batch[i].forest.margin, 1}));
        REQUIRE(one.action == batch[i].action);
      }
    }
  }
}

TEST_CASE("up to 32 late columns are fetched, each to its column, and a bundle with one more does not load") {
  for (const std::size_t n_late : {0, 1, 2, 31, 32}) {
    const auto bundle = bundle_of(schema_of(n_late + 3, n_late));
    const Engine engine(bundle);
    const Provider provider;
    Table row = rows_of(bundle->schema, 1);
    const Decision d = engine.decide(row.row(0), Deadline::none(), &provider);
    for (std::size_t i = 0; i < n_late; ++i) row.row(0)[3 + i] = 1000.0 + static_cast<double>(i);
    const Decision filled = engine.decide(row.row(0));
    CAPTURE(n_late);
    CHECK(d.late_fetched == (n_late > 0));
    for (std::size_t i = 0; i < kMaxLateColumns; ++i)
      CHECK(d.late[i] == (i < n_late ? 1000.0 + static_cast<double>(i) : 0.0));
    CHECK(d.level == Level::L0);
    CHECK(bits({&d.network.margin, 1}) == bits({&filled.network.margin, 1}));
  }
  const TempDir dir;
  for (const std::size_t n_late : {32, 33}) {
    BundleFiles files = small_bundle_files(kSeed);
    const Schema schema = schema_of(n_late + 3, n_late);
    const RandomNetwork network = random_network_of(schema, {{.hidden = {3}}}, kSeed);
    const PlainModel forest = make_forest({"", 3, 1, {{.depth = 2}}}, kSeed);
    files["schema.json"] = schema.to_json();
    files["network.json"] = network.network->to_json(schema);
    files["network.safetensors"] = dnn::write_safetensors(network.tensors);
    files.erase("parity.json");
    for (const char* name : {"forest-0.json", "forest-1.json"}) files[name] = to_json(forest);
    const auto folder = dir / std::to_string(n_late);
    write_bundle(folder, files, {});
    CHECK(code_of([&] { Bundle::load(folder); }) == (n_late <= kMaxLateColumns ? "" : "bundle.late_columns"));
  }
}

TEST_CASE("a decision lists up to 32 rules of each phase and counts them all") {
  for (const std::size_t n_rules : {0, 1, 31, 32, 33}) {
    const auto bundle = bundle_of(schema_of(2));
    std::string rules;
    for (std::size_t i = 0; i < n_rules; ++i)
      rules += (i > 0 ? "," : "") + (R"({"id": "R)" + std::to_string(i)) +
               R"(", "when": "true", "on_missing": "SKIP", "then": {"reason": "r"}})";
    const std::string json = R"({"ruleset": "r", "version": 1, "hit_policy": "collect", "rules": [)" + rules + "]}";
    bundle->pre = rules::RuleSet::compile(json, "pre.json", bundle->schema, rules::Phase::pre).rules;
    bundle->post = rules::RuleSet::compile(json, "post.json", bundle->schema, rules::Phase::post).rules;
    REQUIRE((bundle->pre && bundle->post));
    const Engine engine(bundle);
    const Table rows = rows_of(bundle->schema, 2);
    std::vector<Decision> decisions = {engine.decide(rows.row(0)), {}, {}};
    engine.decide_batch(rows.view(), std::span(decisions).subspan(1));
    for (const Decision& d : decisions)
      for (const rules::Outcome* outcome : {&d.pre, &d.post}) {
        CAPTURE(n_rules);
        CHECK(outcome->n_fired == n_rules);
        REQUIRE(outcome->fired.size() == std::min<std::size_t>(n_rules, 32));
        for (std::size_t i = 0; i < outcome->fired.size(); ++i) CHECK(outcome->fired[i] == i);
      }
  }
}

TEST_CASE("a band contains its low end, its high end if it is closed, and gains from min_gain on") {
  const auto below = [](double x) { return std::nextafter(x, -1.0); };
  const auto above = [](double x) { return std::nextafter(x, 2.0); };
  for (const bool closed : {false, true})
    for (const auto& [low, high] :
         std::vector<std::pair<double, double>>{{0, 1}, {0.25, 0.75}, {0.5, 0.5}, {0, 0}, {1, 1}}) {
      const Band band{low, high, closed};
      CAPTURE(low, high, closed);
      CHECK(band.contains(low) == (low < high || closed));
      CHECK(band.contains(high) == closed);
      CHECK(band.contains(below(high)) == (low < high));
      CHECK_FALSE(band.contains(below(low)));
      CHECK_FALSE(band.contains(above(high)));
      CHECK_FALSE(band.contains(std::nan("")));
    }
  const float least = 0.1f;
  Policy policy;
  policy.band = Band{0.25, 1, true, static_cast<double>(least)};
  for (const double p : {0.25, 0.5, 1.0}) {
    CHECK(route_of(policy.band, p, least).is_forwarded);
    CHECK(route_of(policy.band, p, std::numeric_limits<float>::infinity()).is_forwarded);
    CHECK_FALSE(route_of(policy.band, p, std::nextafter(least, 0.0f)).is_forwarded);
    CHECK_FALSE(route_of(policy.band, p, std::nanf("")).is_forwarded);
    CHECK(route_of(policy.band, p, least).gain == least);
  }
  CHECK_FALSE(route_of(policy.band, 0.2, least).is_forwarded);
  CHECK(std::isnan(route_of(policy.band, 0.2, least).gain));
  policy.band->min_gain.reset();
  CHECK(route_of(policy.band, 0.5, least).is_forwarded);
  CHECK(std::isnan(route_of(policy.band, 0.5, least).gain));
  policy.band.reset();
  CHECK_FALSE(route_of(policy.band, 0.5, least).is_forwarded);
}

TEST_CASE("a calibration is fitted to 0, 1 and many rows of 0, 1 and 2 classes, and is ascending") {
  for (const std::size_t n : {0, 1, 2, 3, 500})
    for (const int kind : {0, 1, 2, 3}) {  // all bad, all good, both, both at one margin
      Random random(kSeed, n);
      std::vector<float> margins, labels;
      for (std::size_t i = 0; i < n; ++i) {
        margins.push_back(kind == 3 ? 0.5f : static_cast<float>(random.normal()));
        labels.push_back(kind == 0 ? 1.0f : kind == 1 ? 0.0f : i % 2 == 0 ? 1.0f : 0.0f);
      }
      const Platt fit = fit_platt(margins, labels);
      CAPTURE(n, kind, fit.slope, fit.intercept);
      CHECK(std::isfinite(fit.intercept));
      CHECK(fit.slope > 0);
      if (n < 2 || kind < 2) CHECK((fit.slope == 1 && fit.intercept == 0));
    }
}

}  // namespace sluice::test
