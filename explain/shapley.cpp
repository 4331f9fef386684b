#include "sluice/explain/shapley.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <string>

#include "sluice/base/error.h"

namespace sluice::explain {
namespace {

bool same_cell(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

void evaluate_finite(const Evaluate& evaluate, RowsView rows, std::span<double> values) {
  evaluate(rows, values);
  for (const double value : values)
    if (!std::isfinite(value))
      throw Error("explain.not_finite", "the score of a mix of the row and a background row is not finite",
                  "look for infinities in the row or the background");
}

/// Mixes the row and a reference: players start with the reference's cells, other columns have the row's.
class Mixer {
 public:
  explicit Mixer(const ShapleyInput& input) : input_(input) {}

  std::size_t n_players() const { return input_.players.size(); }
  std::size_t n_references() const { return input_.references.n_rows; }

  void start(std::size_t reference, std::span<double> mixed) const {
    std::copy(input_.row.begin(), input_.row.end(), mixed.begin());
    for (const std::size_t column : input_.players) mixed[column] = input_.references.row(reference)[column];
  }
  void know(std::size_t player, std::span<double> mixed) const {
    mixed[input_.players[player]] = input_.row[input_.players[player]];
  }
  bool differs(std::size_t reference, std::size_t player) const {
    const std::size_t column = input_.players[player];
    return !same_cell(input_.row[column], input_.references.row(reference)[column]);
  }
  std::size_t n_columns() const { return input_.row.size(); }

 private:
  const ShapleyInput& input_;
};

class Sampler {
 public:
  Sampler(const ShapleyInput& input, double row_value, const Permutation& permutation, const Evaluate& evaluate)
      : mixer_(input),
        row_value_(row_value),
        permutation_(permutation),
        evaluate_(evaluate),
        mixed_(mixer_.n_columns()),
        reference_values_(mixer_.n_references()),
        sample_(mixer_.n_players()),
        sums_(mixer_.n_players() * mixer_.n_references()),
        squares_(sums_.size()) {
    for (std::size_t r = 0; r < mixer_.n_references(); ++r) mixer_.start(r, mixed_.append());
    evaluate_finite(evaluate_, mixed_.view(), reference_values_);
  }

  /// Adds one antithetic pair for each reference.
  void add_pair() {
    for (std::size_t r = 0; r < mixer_.n_references(); ++r) {
      sample_pair(r);
      for (std::size_t i = 0; i < sample_.size(); ++i) {
        sums_[r * sample_.size() + i] += sample_[i];
        squares_[r * sample_.size() + i] += sample_[i] * sample_[i];
      }
    }
    ++n_pairs_;
  }

  ShapleyValues values() const {
    const std::size_t n = mixer_.n_players();
    const double n_references = static_cast<double>(mixer_.n_references()), pairs = static_cast<double>(n_pairs_);
    ShapleyValues v{.phi = std::vector<double>(n), .standard_error = std::vector<double>(n), .n_pairs = n_pairs_};
    v.base = std::accumulate(reference_values_.begin(), reference_values_.end(), 0.0) / n_references;
    for (std::size_t i = 0; i < n; ++i) {
      double sum = 0, variance = 0;
      for (std::size_t at = i; at < sums_.size(); at += n) {
        sum += sums_[at];
        if (n_pairs_ > 1) variance += std::max(0.0, squares_[at] - sums_[at] * sums_[at] / pairs) / (pairs - 1);
      }
      v.phi[i] = sum / pairs / n_references;
      v.standard_error[i] = variance;
    }
    // A few pairs are too few to estimate each player's variance: the mean over all players is added with two degrees
    // of freedom. A player that never changed the value keeps its zero.
    const double all = std::accumulate(v.standard_error.begin(), v.standard_error.end(), 0.0) / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i)
      if (double& x = v.standard_error[i]; x > 0 || v.phi[i] != 0)
        x = std::sqrt((x * (pairs - 1) + 2 * all) / (pairs + 1) / pairs) / n_references;
    return v;
  }

 private:
  /// Writes the marginal contributions, averaged over a permutation and its reverse, into sample_.
  void sample_pair(std::size_t reference) {
    order_.resize(mixer_.n_players());
    permutation_(reference, n_pairs_, order_);
    std::erase_if(order_, [&](std::uint16_t player) { return !mixer_.differs(reference, player); });
    std::fill(sample_.begin(), sample_.end(), 0.0);
    if (order_.empty()) return;
    mixed_.clear();
    append_path(reference);
    std::reverse(order_.begin(), order_.end());
    append_path(reference);
    path_values_.resize(mixed_.n_rows());
    evaluate_finite(evaluate_, mixed_.view(), path_values_);
    const std::size_t half = path_values_.size() / 2;
    add_marginals(reference, std::span(path_values_).subspan(half));
    std::reverse(order_.begin(), order_.end());
    add_marginals(reference, std::span(path_values_).first(half));
  }

  /// Appends the coalitions strictly between the reference and the row.
  void append_path(std::size_t reference) {
    std::vector<double> row(mixer_.n_columns());
    mixer_.start(reference, row);
    for (std::size_t j = 0; j + 1 < order_.size(); ++j) {
      mixer_.know(order_[j], row);
      mixed_.append(row);
    }
  }

  void add_marginals(std::size_t reference, std::span<const double> between) {
    double before = reference_values_[reference];
    for (std::size_t j = 0; j < order_.size(); ++j) {
      const double after = j < between.size() ? between[j] : row_value_;
      sample_[order_[j]] += 0.5 * (after - before);
      before = after;
    }
  }

  Mixer mixer_;
  double row_value_;
  const Permutation& permutation_;
  const Evaluate& evaluate_;
  Table mixed_;
  std::vector<double> reference_values_, path_values_, sample_;
  std::vector<double> sums_, squares_;  // [references, players], over pairs
  std::vector<std::uint16_t> order_;
  std::size_t n_pairs_ = 0;
};

/// Whether the value of rank `n_ranked` is two standard errors above the next, or is not positive.
bool is_ranked(const ShapleyValues& v, std::size_t n_ranked) {
  if (n_ranked == 0 || v.phi.size() <= n_ranked) return true;
  std::vector<std::size_t> order(v.phi.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return v.phi[a] > v.phi[b]; });
  const std::size_t last = order[n_ranked - 1], next = order[n_ranked];
  const double noise = std::hypot(v.standard_error[last], v.standard_error[next]);
  return v.phi[last] <= 0 || noise == 0 || v.phi[last] - v.phi[next] > 2 * noise;
}

/// |S|! (n - |S| - 1)! / n!, indexed by the coalition's size.
std::vector<double> shapley_weights(std::size_t n) {
  std::vector<double> weights(n);
  double binomial = 1;  // of n - 1 over size
  for (std::size_t size = 0; size < n; ++size) {
    weights[size] = 1.0 / (static_cast<double>(n) * binomial);
    binomial = binomial * static_cast<double>(n - 1 - size) / static_cast<double>(size + 1);
  }
  return weights;
}

/// Evaluates all coalitions of `players` against one reference. Adds to `phi`; returns the reference's value.
double enumerate(const Mixer& mixer, std::size_t reference, const std::vector<std::size_t>& players,
                 const Evaluate& evaluate, std::span<double> phi) {
  const std::size_t n = players.size(), n_coalitions = std::size_t{1} << n;
  Table mixed(mixer.n_columns(), n_coalitions);
  for (std::size_t coalition = 0; coalition < n_coalitions; ++coalition) {
    mixer.start(reference, mixed.row(coalition));
    for (std::size_t i = 0; i < n; ++i)
      if ((coalition >> i) & 1u) mixer.know(players[i], mixed.row(coalition));
  }
  std::vector<double> value(n_coalitions);
  evaluate_finite(evaluate, mixed.view(), value);
  const std::vector<double> weights = shapley_weights(n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t coalition = 0; coalition < n_coalitions; ++coalition)
      if (((coalition >> i) & 1u) == 0)
        phi[players[i]] += weights[static_cast<std::size_t>(std::popcount(coalition))] *
                           (value[coalition | (std::size_t{1} << i)] - value[coalition]);
  return value[0];
}

}  // namespace

ShapleyValues permutation_shapley(const ShapleyInput& input, double row_value, const Permutation& permutation,
                                  const SamplingOptions& options, const Evaluate& evaluate) {
  Sampler sampler(input, row_value, permutation, evaluate);
  for (std::size_t pair = 0; pair < std::max<std::size_t>(1, options.min_pairs); ++pair) sampler.add_pair();
  ShapleyValues values = sampler.values();
  while (values.n_pairs < options.max_pairs && !is_ranked(values, options.n_ranked)) {
    sampler.add_pair();
    values = sampler.values();
  }
  return values;
}

ShapleyValues exact_shapley(const ShapleyInput& input, const Evaluate& evaluate) {
  const Mixer mixer(input);
  const auto n_references = static_cast<double>(mixer.n_references());
  ShapleyValues v{.phi = std::vector<double>(mixer.n_players()),
                  .standard_error = std::vector<double>(mixer.n_players())};
  for (std::size_t r = 0; r < mixer.n_references(); ++r) {
    std::vector<std::size_t> players;
    for (std::size_t i = 0; i < mixer.n_players(); ++i)
      if (mixer.differs(r, i)) players.push_back(i);
    if (players.size() > kMaxExactPlayers)
      throw Error("explain.too_many_columns",
                  "the row differs from background row " + std::to_string(r) + " in " + std::to_string(players.size()) +
                      " columns; exact enumeration takes at most " + std::to_string(kMaxExactPlayers) + " columns",
                  "use --method permutation");
    v.base += enumerate(mixer, r, players, evaluate, v.phi) / n_references;
  }
  for (double& phi : v.phi) phi /= n_references;
  return v;
}

}  // namespace sluice::explain
