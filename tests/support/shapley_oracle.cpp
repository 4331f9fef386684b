#include "support/shapley_oracle.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sluice::test::oracle {
namespace {

/// The tree's expected value over its cover if only the features in `known` are known.
double expectation(const PlainTree& tree, int at, std::span<const float> row, std::uint32_t known) {
  const PlainNode& node = tree.nodes[static_cast<std::size_t>(at)];
  if (node.left < 0) return static_cast<double>(node.value);
  if ((known >> node.feature) & 1u) {
    const bool left = goes_left(node, row[static_cast<std::size_t>(node.feature)]);
    return expectation(tree, left ? node.left : node.right, row, known);
  }
  const auto cover = static_cast<double>(node.cover);
  const auto share = [&](int child) {
    const auto own = static_cast<double>(tree.nodes[static_cast<std::size_t>(child)].cover);
    return cover > 0 ? std::max(own / cover, 1e-12) : 0.5;
  };
  return share(node.left) * expectation(tree, node.left, row, known) +
         share(node.right) * expectation(tree, node.right, row, known);
}

double leaf(const PlainTree& tree, std::span<const float> row) { return expectation(tree, 0, row, ~0u); }

/// size! (n - size - 1)! / n!: the weight of a coalition of that size among n features.
double weight(double size, double n) {
  return std::exp(std::lgamma(size + 1) + std::lgamma(n - size) - std::lgamma(n + 1));
}

}  // namespace

std::vector<double> shapley_interactions(const PlainModel& model, std::span<const float> row) {
  const auto n = static_cast<std::uint32_t>(model.n_features);
  std::vector<double> out;
  for (int group = 0; group < model.n_groups; ++group) {
    std::vector<double> value(std::size_t{1} << n);
    for (std::uint32_t known = 0; known < value.size(); ++known)
      for (const auto& tree : model.trees)
        if (tree.group == group) value[known] += expectation(tree, 0, row, known);
    for (std::uint32_t i = 0; i < n; ++i)
      for (std::uint32_t j = 0; j < n; ++j) {
        const std::uint32_t a = 1u << i, b = 1u << j;
        double sum = 0;
        for (std::uint32_t known = 0; i != j && known < value.size(); ++known)
          if ((known & (a | b)) == 0)
            sum += weight(std::popcount(known), n - 1.0) / 2 *
                   (value[known | a | b] - value[known | a] - value[known | b] + value[known]);
        out.push_back(sum);
      }
  }
  return out;
}

std::vector<double> interventional_shapley(const PlainModel& model, std::span<const float> row, BatchView background,
                                           std::span<const float> weights) {
  const auto n = static_cast<std::uint32_t>(model.n_features);
  double total = 0;
  for (const float w : weights) total += static_cast<double>(w);
  std::vector<double> out;
  for (int group = 0; group < model.n_groups; ++group) {
    std::vector<double> value(std::size_t{1} << n, static_cast<double>(model.base_margin));
    for (std::uint32_t known = 0; known < value.size(); ++known)
      for (std::size_t k = 0; k < background.n_rows; ++k) {
        std::vector<float> mixed(row.begin(), row.end());
        for (std::uint32_t f = 0; f < n; ++f)
          if (((known >> f) & 1u) == 0) mixed[f] = background.row(k)[f];
        for (const auto& tree : model.trees)
          if (tree.group == group) value[known] += static_cast<double>(weights[k]) / total * leaf(tree, mixed);
      }
    for (std::uint32_t f = 0; f < n; ++f) {
      double phi = 0;
      for (std::uint32_t known = 0; known < value.size(); ++known)
        if (((known >> f) & 1u) == 0)
          phi += weight(std::popcount(known), n) * (value[known | (1u << f)] - value[known]);
      out.push_back(phi);
    }
    out.push_back(value[0]);
  }
  return out;
}

}  // namespace sluice::test::oracle
