#include "support/small_bundle.h"

#include <cmath>

#include "sluice/base/random.h"
#include "sluice/bundle/background.h"
#include "sluice/bundle/forest_signals.h"
#include "sluice/cascade/forest_stage.h"
#include "sluice/dnn/network.h"
#include "sluice/gbdt/load_xgboost.h"

namespace sluice::test {
namespace {

constexpr std::size_t kWidth = 8, kDimension = 4;  // of the networks' hidden layer
constexpr std::size_t kFitRows = 400;

constexpr const char* kPreRules = R"({"ruleset": "knock-outs", "version": 1, "hit_policy": "first", "rules": [
  {"id": "TOO_LARGE", "description": "Far beyond any limit", "when": "amount > 4 USD", "on_missing": "SKIP", "then": {"action": "DECLINE", "reason": "AMOUNT_TOO_LARGE"}}]})";
constexpr const char* kFallbackRules = R"({"ruleset": "fallback", "version": 1, "hit_policy": "first", "rules": [
  {"id": "SMALL", "description": "Nothing to lose", "when": "amount < 0 USD", "on_missing": "SKIP", "then": {"action": "APPROVE", "reason": "SMALL_AMOUNT"}}]})";
constexpr const char* kPostRules = R"({"ruleset": "after", "version": 1, "hit_policy": "first", "rules": [
  {"id": "LOOK", "description": "A person looks at the riskiest", "when": "p_final > 0.9", "on_missing": "SKIP", "then": {"action": "REVIEW", "reason": "VERY_RISKY"}}]})";

cascade::Policy small_policy(const SmallBundleOptions& options) {
  cascade::Policy policy;
  policy.version = 7;
  policy.band = options.band;
  policy.level0 = {0.4, 0.6, cascade::Action::review};
  policy.level1 = {0.35, 0.65, cascade::Action::review};
  policy.network.device = dnn::Device::cpu;
  return policy;
}

void grow(PlainTree& tree, std::size_t at, std::size_t depth, const Schema& schema, std::size_t n_features,
          Random& random) {
  PlainNode& node = tree.nodes[at];
  if (depth == 0) {
    node.value = static_cast<float>(random.normal() * 0.35);
    return;
  }
  node.feature = static_cast<int>(random.below(n_features));
  node.default_left = random.below(2) == 0;
  const auto columns = schema.forest_columns();
  const auto feature = static_cast<std::size_t>(node.feature);  // the margin follows the columns
  if (feature < columns.size() && schema[columns[feature]].kind == Kind::category)
    node.categories = {static_cast<int>(random.below(schema[columns[feature]].vocabulary.size()))};
  else
    node.value = static_cast<float>(random.normal());
  const int left = static_cast<int>(tree.nodes.size());
  node.left = left;
  node.right = left + 1;
  const float cover = node.cover, share = static_cast<float>(random.uniform(0.2, 0.8));
  for (const float part : {cover * share, cover - cover * share}) {
    PlainNode child;
    child.cover = part;
    tree.nodes.push_back(child);
  }
  grow(tree, static_cast<std::size_t>(left), depth - 1, schema, n_features, random);
  grow(tree, static_cast<std::size_t>(left) + 1, depth - 1, schema, n_features, random);
}

PlainModel grown(const Schema& schema, std::size_t n_features, std::uint64_t seed, std::size_t n_trees,
                 std::size_t depth) {
  Random random(seed, 3);
  PlainModel model;
  model.n_features = static_cast<int>(n_features);
  for (std::size_t t = 0; t < n_trees; ++t) {
    PlainTree tree;
    tree.nodes.resize(1);
    tree.nodes[0].cover = 100;
    tree.nodes.reserve(std::size_t{2} << depth);  // grow has references into it
    grow(tree, 0, depth, schema, n_features, random);
    model.trees.push_back(std::move(tree));
  }
  return model;
}

dnn::Tensor random_tensor(std::vector<std::size_t> shape, double deviation, Random& random) {
  dnn::Tensor tensor{std::move(shape), {}};
  std::size_t size = 1;
  for (const std::size_t n : tensor.shape) size *= n;
  for (std::size_t i = 0; i < size; ++i) tensor.values.push_back(static_cast<float>(random.normal() * deviation));
  return tensor;
}

dnn::Tensors random_weights(const dnn::Encoder& encoder, std::size_t n_members, Random& random) {
  std::size_t n_inputs = encoder.n_dense();
  n_inputs += kDimension * encoder.categories().size();
  dnn::Tensors tensors;
  for (std::size_t k = 0; k < n_members; ++k) {
    const std::string member = "member." + std::to_string(k);
    tensors[member + ".a"] = {{1}, {static_cast<float>(random.uniform(0.7, 1.1))}};
    tensors[member + ".b"] = random_tensor({1}, 0.1, random);
    for (std::size_t c = 0; c < encoder.categories().size(); ++c) {
      tensors[member + ".embedding." + std::to_string(c)] =
          random_tensor({encoder.categories()[c].n_words + 2, kDimension}, 0.5, random);
    }
    tensors[member + ".layer.0.weight"] = random_tensor({kWidth, n_inputs}, 0.4, random);
    tensors[member + ".layer.0.bias"] = random_tensor({kWidth}, 0.2, random);
    tensors[member + ".head.weight"] = random_tensor({1, kWidth}, 0.4, random);
    tensors[member + ".head.bias"] = random_tensor({1}, 0.1, random);
  }
  return tensors;
}

void add_network(const Schema& schema, std::shared_ptr<const std::vector<gbdt::Forest>> bag,
                 const SmallBundleOptions& options, std::uint64_t seed, cascade::BundleFiles& files) {
  const Table rows = small_rows(schema, kFitRows, seed + 1);
  std::vector<dnn::PrefixMargins> staged(rows.n_rows());
  cascade::make_forest_stage(bag, schema)->score(rows.view(), staged);
  std::vector<float> signals(rows.n_rows() * options.signals.size());
  cascade::ForestSignals(*bag, schema, options.signals).compute(rows.view(), signals);
  const auto encoder =
      dnn::Encoder::fit(schema, rows.view(), cascade::join_signals(staged, signals).view(), options.signals);
  Random random(seed, 2);
  const dnn::Tensors weights = random_weights(encoder, options.n_members, random);
  const std::vector<dnn::MemberShape> shapes(
      options.n_members,
      {.hidden = {kWidth}, .dimensions = std::vector<std::size_t>(encoder.categories().size(), kDimension)});
  const auto network = std::make_shared<dnn::Network>(encoder, shapes, weights, "random");
  files["network.json"] = network->to_json(schema);
  files["network.safetensors"] = dnn::write_safetensors(weights);
  files["parity.json"] = dnn::to_json(dnn::take_parity_sample(*dnn::make_executor(network, dnn::Device::cpu), encoder));
}

}  // namespace

Schema small_schema(bool with_late) {
  std::vector<Column> columns = {
      {.name = "id", .kind = Kind::id},
      {.name = "when", .kind = Kind::time},
      {.name = "amount", .unit = "USD", .group = "spending"},
      {.name = "ratio", .group = "spending"},
      {.name = "country", .kind = Kind::category, .vocabulary = {"CN", "NL", "US"}},
      {.name = "age", .unit = "days"},
      {.name = "n_items"},
      {.name = "channel", .kind = Kind::category, .vocabulary = {"shop", "web"}},
      {.name = "sex", .kind = Kind::category, .vocabulary = {"f", "m"}, .is_protected = true}};
  if (with_late) {
    columns.push_back({.name = "bureau_score", .late = true, .fetch_cost = 0.5});
    columns.push_back({.name = "bureau_class", .kind = Kind::category, .vocabulary = {"a", "b"}, .late = true});
  }
  return Schema(std::move(columns));
}

Table small_rows(const Schema& schema, std::size_t n_rows, std::uint64_t seed) {
  Random random(seed, 4);
  Table rows(schema.size(), n_rows);
  for (std::size_t i = 0; i < n_rows; ++i)
    for (std::size_t c = 0; c < schema.size(); ++c) {
      double& cell = rows.row(i)[c];
      const Column& column = schema[c];
      if (column.kind == Kind::id)
        cell = hash_id("request-" + std::to_string(i));
      else if (column.kind == Kind::time)
        cell = 1.5e9 + 3600.0 * static_cast<double>(i);
      else if (random.below(10) == 0)
        cell = std::nan("");
      else if (column.kind == Kind::category)
        cell = static_cast<double>(random.below(column.vocabulary.size() + (random.below(5) == 0)));
      else
        cell = random.normal() * 1.5;
    }
  return rows;
}

PlainModel small_forest(const Schema& schema, std::uint64_t seed, const SmallBundleOptions& options) {
  return grown(schema, schema.forest_columns().size(), seed, options.n_trees, options.depth);
}

PlainModel small_gain_model(const Schema& schema, std::uint64_t seed) {
  PlainModel model = grown(schema, schema.forest_columns().size() + 1, seed + 77, 12, 2);
  model.objective = "reg:squarederror";
  model.base_score = "0E0";
  return model;
}

cascade::BundleFiles small_bundle_files(std::uint64_t seed, const SmallBundleOptions& options) {
  const Schema schema = small_schema(options.with_late);
  cascade::BundleFiles files = {{"schema.json", schema.to_json()}, {"policy.json", small_policy(options).to_json()}};
  files["calibration.json"] = cascade::Calibration{.forest = {1.1, -0.1}, .network = {0.9, 0.05}}.to_json();
  auto bag = std::make_shared<std::vector<gbdt::Forest>>();
  for (std::size_t k = 0; k < options.n_forests; ++k) {
    const std::string name = options.n_forests == 1 ? "forest.json" : "forest-" + std::to_string(k) + ".json";
    files[name] = to_json(small_forest(schema, mix64(seed) + k, options));
    bag->push_back(gbdt::load_xgboost(files[name], name));
  }
  if (options.with_network) add_network(schema, bag, options, seed, files);
  if (options.band && options.band->min_gain) files["gain.json"] = to_json(small_gain_model(schema, seed));
  if (options.with_rules) {
    files["rules/pre.json"] = kPreRules;
    files["rules/fallback.json"] = kFallbackRules;
    files["rules/post.json"] = kPostRules;
  }
  std::uint64_t part = 0;
  for (const char* name : {"population", "approved_forest", "approved_network"})
    files[std::string("backgrounds/") + name + ".arrow"] =
        cascade::write_background(small_rows(schema, options.n_background, seed + 10 + part++).view(), schema);
  return files;
}

std::shared_ptr<const cascade::Bundle> small_bundle(const std::filesystem::path& folder, std::uint64_t seed,
                                                    const SmallBundleOptions& options) {
  cascade::write_bundle(folder, small_bundle_files(seed, options), {.label = "bad", .seed = seed});
  return std::make_shared<cascade::Bundle>(cascade::Bundle::load(folder));
}

}  // namespace sluice::test
