#include "sluice/training/band_search.h"

#include <algorithm>
#include <cmath>

namespace sluice::training {
namespace {

/// Sums over the rows whose p is below an edge.
struct Edge {
  double p = 0;
  double n = 0, gain = 0, seen = 0, squares = 0;  // of the rows; squares of `seen`
  double n_served = 0;
};

/// 0, the distinct quantiles of `served`, 1.
std::vector<Edge> make_edges(std::vector<double> served, std::size_t n_cells) {
  std::sort(served.begin(), served.end());
  std::vector<Edge> edges(1);
  for (std::size_t cell = 1; cell < n_cells; ++cell)
    if (const double p = served[cell * served.size() / n_cells]; p > edges.back().p && p < 1) edges.push_back({p});
  edges.push_back({1.0});
  for (Edge& edge : edges)
    edge.n_served = static_cast<double>(std::lower_bound(served.begin(), served.end(), edge.p) - served.begin());
  edges.back().n_served = static_cast<double>(served.size());
  return edges;
}

void sum_rows(std::span<const BandRow> rows, std::vector<Edge>& edges) {
  for (const BandRow& row : rows) {
    // The first edge above p; p = 1 belongs to the last edge.
    const auto at =
        std::upper_bound(edges.begin(), edges.end() - 1, row.p, [](double p, const Edge& edge) { return p < edge.p; });
    at->n += 1;
    at->gain += row.gain;
    at->seen += row.seen;
    at->squares += row.seen * row.seen;
  }
  for (std::size_t e = 1; e < edges.size(); ++e) {
    edges[e].n += edges[e - 1].n;
    edges[e].gain += edges[e - 1].gain;
    edges[e].seen += edges[e - 1].seen;
    edges[e].squares += edges[e - 1].squares;
  }
}

}  // namespace

double max_forwarded(std::size_t n_rows, const BandOptions& options) {
  const auto n = static_cast<double>(n_rows);
  return (options.max_forward - 0.5 * std::sqrt(options.max_forward * (1 - options.max_forward) / n)) * n;
}

double error_of_sum(double n, double seen, double squares, double variance) {
  return std::sqrt(std::max(squares - seen * seen / n, n * variance));
}

BandChoice search_band(std::span<const BandRow> rows, std::span<const double> served, const BandOptions& options) {
  BandChoice best;
  if (rows.empty() || served.empty()) return best;
  const auto n_rows = static_cast<double>(rows.size()), n_served = static_cast<double>(served.size());
  auto edges = make_edges({served.begin(), served.end()}, options.n_cells);
  sum_rows(rows, edges);
  const double max_inside = max_forwarded(served.size(), options);
  const double mean = edges.back().seen / n_rows, variance = std::max(0.0, edges.back().squares / n_rows - mean * mean);
  double best_gain = 0;
  for (std::size_t low = 0; low < edges.size(); ++low) {
    for (std::size_t high = low + 1; high < edges.size(); ++high) {
      const double n = edges[high].n - edges[low].n, gain = edges[high].gain - edges[low].gain,
                   inside = edges[high].n_served - edges[low].n_served;
      if (inside > max_inside) break;
      if (n == 0 || gain <= best_gain) continue;
      const double seen = edges[high].seen - edges[low].seen;
      const double error = error_of_sum(n, seen, edges[high].squares - edges[low].squares, variance);
      if (seen < options.min_z * error) continue;
      best_gain = gain;
      best = {cascade::Band{edges[low].p, edges[high].p, edges[high].p == 1.0}, seen / n_rows, error / n_rows,
              inside / n_served};
    }
  }
  return best;
}

}  // namespace sluice::training
