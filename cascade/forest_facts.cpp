#include "sluice/cascade/forest_facts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "sluice/base/error.h"
#include "sluice/base/stack_buffer.h"
#include "sluice/cascade/stages.h"
#include "sluice/gbdt/fold.h"
#include "sluice/gbdt/predict.h"

namespace sluice::cascade {
namespace {

constexpr std::size_t kBlock = 512;  // rows at once, as many as the forest's kernel takes
constexpr std::size_t kStackFloats = kBlock * 32;

/// The forest's trees with what `value` says of a leaf and its root in place of the leaves' values.
template <class Value>
gbdt::Forest with_leaves(gbdt::Forest forest, const Value& value) {
  for (const gbdt::Tree& tree : forest.trees)
    for (std::uint32_t at = tree.first; at < tree.first + tree.n_nodes; ++at)
      if (forest.nodes[at].is_leaf()) forest.nodes[at].value = value(forest.cover[at], forest.cover[tree.first]);
  forest.base_margin = {0.0f};
  return forest;
}

/// One forest whose margin is the mean over all trees.
gbdt::Forest support_forest(std::span<const gbdt::Forest> bag) {
  double n_trees = 0;
  for (const gbdt::Forest& forest : bag) n_trees += static_cast<double>(forest.n_trees());
  const double weight = static_cast<double>(bag.size()) / std::max(1.0, n_trees);  // folding divides by the bag
  std::vector<gbdt::Forest> shares;
  for (std::size_t k = 0; k < bag.size(); ++k)
    shares.push_back(with_leaves(bag[k], [&](float leaf, float root) {
      if (!(leaf > 0 && root > 0))
        throw Error("forest.cover", "forest " + std::to_string(k) + " does not say what its leaves cover",
                    "leave leaf_support out of network.augment");
      return static_cast<float>(weight * std::log(static_cast<double>(leaf) / static_cast<double>(root)));
    }));
  return gbdt::fold(shares, std::array{1.0}).forest;
}

}  // namespace

ForestFacts::ForestFacts(std::span<const gbdt::Forest> bag, const Schema& schema,
                         std::span<const dnn::ForestFact> wanted)
    : schema_(schema), wanted_(wanted.begin(), wanted.end()) {
  for (const dnn::ForestFact fact : wanted) {
    if (fact == dnn::ForestFact::leaf_support) {
      support_ = support_forest(bag);
      continue;
    }
    if (bag.size() < 2)
      throw Error("forest.bag", "a single forest disagrees with none",
                  "serve a bag, or leave disagreement out of network.augment");
    bag_.assign(bag.begin(), bag.end());
  }
}

void ForestFacts::compute(RowsView rows, std::span<float> out) const {
  for (std::size_t first = 0; first < rows.n_rows; first += kBlock) {
    const std::size_t n = std::min(kBlock, rows.n_rows - first);
    compute_block(rows.slice(first, n), out.subspan(first * size(), n * size()));
  }
}

void ForestFacts::compute_block(RowsView rows, std::span<float> out) const {
  const auto columns = schema_.forest_columns();
  StackBuffer<float, kStackFloats> inputs(rows.n_rows * columns.size());
  for (std::size_t i = 0; i < rows.n_rows; ++i)
    gather_columns(rows.row(i), columns, inputs.span().subspan(i * columns.size(), columns.size()));
  const BatchView batch(inputs.data(), rows.n_rows, columns.size());
  StackBuffer<float, kBlock> fact(rows.n_rows);
  for (std::size_t k = 0; k < size(); ++k) {
    if (wanted_[k] == dnn::ForestFact::leaf_support)
      gbdt::predict(support_, batch, fact.span());
    else
      disagreement(batch, fact.span());
    for (std::size_t i = 0; i < rows.n_rows; ++i) out[i * size() + k] = fact[i];
  }
}

void ForestFacts::disagreement(BatchView inputs, std::span<float> out) const {
  const std::size_t n = inputs.n_rows;
  StackBuffer<float, kBlock * 16> margins(bag_.size() * n);
  for (std::size_t k = 0; k < bag_.size(); ++k) gbdt::predict(bag_[k], inputs, margins.span().subspan(k * n, n));
  const auto count = static_cast<double>(bag_.size());
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0, squares = 0;
    for (std::size_t k = 0; k < bag_.size(); ++k) sum += static_cast<double>(margins[k * n + i]);
    for (std::size_t k = 0; k < bag_.size(); ++k) {
      const double distance = static_cast<double>(margins[k * n + i]) - sum / count;
      squares += distance * distance;
    }
    out[i] = static_cast<float>(std::sqrt(squares / (count - 1)));
  }
}

std::shared_ptr<const ForestFacts> make_forest_facts(std::span<const gbdt::Forest> bag, const Schema& schema,
                                                     const dnn::Encoder& encoder) {
  if (encoder.facts().empty()) return nullptr;
  return std::make_shared<const ForestFacts>(bag, schema, encoder.facts());
}

FloatTable join_facts(std::span<const StagedMargins> margins, std::span<const float> facts) {
  const std::size_t n_facts = margins.empty() ? 0 : facts.size() / margins.size();
  FloatTable joined(dnn::kStages.size() + n_facts, margins.size());
  for (std::size_t i = 0; i < margins.size(); ++i) {
    std::copy(margins[i].begin(), margins[i].end(), joined.row(i).begin());
    std::copy_n(facts.begin() + static_cast<std::ptrdiff_t>(i * n_facts), n_facts,
                joined.row(i).begin() + static_cast<std::ptrdiff_t>(dnn::kStages.size()));
  }
  return joined;
}

}  // namespace sluice::cascade
