#include "sluice/bundle/forest_signals.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "sluice/base/error.h"
#include "sluice/base/stack_buffer.h"
#include "sluice/bundle/forest_inputs.h"
#include "sluice/gbdt/merge.h"
#include "sluice/gbdt/predict.h"

namespace sluice::cascade {
namespace {

/// One forest whose margin is the mean over all trees of log(cover of the leaf / cover of the root).
gbdt::Forest support_forest(std::span<const gbdt::Forest> bag) {
  double n_trees = 0;
  for (const gbdt::Forest& forest : bag) n_trees += static_cast<double>(forest.n_trees());
  const double weight = static_cast<double>(bag.size()) / std::max(1.0, n_trees);  // merge divides by the bag's size
  std::vector<gbdt::Forest> shares(bag.begin(), bag.end());
  for (gbdt::Forest& forest : shares) {
    forest.base_margin = {0.0f};
    for (const gbdt::Tree& tree : forest.trees)
      for (std::uint32_t at = tree.first; at < tree.first + tree.n_nodes; ++at) {
        if (!forest.nodes[at].is_leaf()) continue;
        const double leaf = forest.cover[at], root = forest.cover[tree.first];
        if (!(leaf > 0 && root > 0))
          throw Error("forest.cover", "leaf_support needs the cover of every leaf; a forest of the bag has none",
                      "remove leaf_support from network.augment");
        forest.nodes[at].value = static_cast<float>(weight * std::log(leaf / root));
      }
  }
  return gbdt::merge(shares, std::array{1.0}).forest;
}

}  // namespace

ForestSignals::ForestSignals(std::span<const gbdt::Forest> bag, const Schema& schema,
                             std::span<const dnn::ForestSignal> wanted)
    : schema_(schema), wanted_(wanted.begin(), wanted.end()) {
  for (const dnn::ForestSignal signal : wanted) {
    if (signal == dnn::ForestSignal::leaf_support) {
      support_ = support_forest(bag);
      continue;
    }
    if (bag.size() < 2)
      throw Error("forest.bag", "disagreement needs a bag of at least 2 forests",
                  "use a larger bag, or remove disagreement from network.augment");
    bag_.assign(bag.begin(), bag.end());
  }
}

void ForestSignals::compute(RowsView rows, std::span<float> out) const {
  in_forest_blocks(rows, schema_, [&](std::size_t first, BatchView inputs) {
    StackBuffer<float, kForestBlock> signal(inputs.n_rows);
    for (std::size_t k = 0; k < size(); ++k) {
      if (wanted_[k] == dnn::ForestSignal::leaf_support)
        gbdt::predict(support_, inputs, signal.span());
      else
        disagreement(inputs, signal.span());
      for (std::size_t i = 0; i < inputs.n_rows; ++i) out[(first + i) * size() + k] = signal[i];
    }
  });
}

void ForestSignals::disagreement(BatchView inputs, std::span<float> out) const {
  const std::size_t n = inputs.n_rows;
  StackBuffer<float, kForestBlock * 16> margins(bag_.size() * n);
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

std::shared_ptr<const ForestSignals> make_forest_signals(std::span<const gbdt::Forest> bag, const Schema& schema,
                                                         const dnn::Encoder& encoder) {
  if (encoder.signals().empty()) return nullptr;
  return std::make_shared<const ForestSignals>(bag, schema, encoder.signals());
}

void join_signals(std::span<const PrefixMargins> margins, std::span<const float> signals, std::span<float> out) {
  const std::size_t n_signals = margins.empty() ? 0 : signals.size() / margins.size();
  auto to = out.begin();
  for (std::size_t i = 0; i < margins.size(); ++i) {
    to = std::copy(margins[i].begin(), margins[i].end(), to);
    to = std::copy_n(signals.data() + i * n_signals, n_signals, to);
  }
}

FloatTable join_signals(std::span<const PrefixMargins> margins, std::span<const float> signals) {
  const std::size_t n_signals = margins.empty() ? 0 : signals.size() / margins.size();
  FloatTable joined(dnn::kTreePrefixes.size() + n_signals, margins.size());
  if (!margins.empty()) join_signals(margins, signals, {joined.row(0).data(), margins.size() * joined.row(0).size()});
  return joined;
}

}  // namespace sluice::cascade
