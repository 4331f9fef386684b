#include <algorithm>
#include <cmath>

#include "sluice/base/random.h"
#include "sluice/training/band_search.h"
#include "support/catch.h"

namespace sluice::test {

using namespace training;

TEST_CASE("the band is the best of all pairs of edges within the cap") {
  Random random(1);
  for (int k = 0; k < 60; ++k) {
    const BandOptions options{.max_forward = random.uniform(0.1, 1.0), .n_cells = 20, .min_z = -INFINITY};
    std::vector<BandRow> rows(300);
    std::vector<double> served(300);
    for (auto& row : rows)
      row.p = random.uniform(), row.gain = row.seen = random.normal() + (row.p > 0.4 && row.p < 0.6);
    for (double& p : served) p = random.uniform();
    const BandChoice choice = search_band(rows, served, options);

    auto sorted = served;
    std::sort(sorted.begin(), sorted.end());
    std::vector<double> edges = {0};
    for (std::size_t cell = 1; cell < 20; ++cell) edges.push_back(sorted[cell * 300 / 20]);
    edges.push_back(1);
    const double cap = options.max_forward - 0.5 * std::sqrt(options.max_forward * (1 - options.max_forward) / 300);
    double best = 0;
    for (std::size_t a = 0; a < edges.size(); ++a)
      for (std::size_t b = a + 1; b < edges.size(); ++b) {
        double gain = 0, n_inside = 0;
        for (const auto& row : rows) gain += row.p >= edges[a] && row.p < edges[b] ? row.gain : 0;
        for (const double p : served) n_inside += p >= edges[a] && p < edges[b];
        if (n_inside <= cap * 300) best = std::max(best, gain);
      }
    CAPTURE(k, options.max_forward, best);
    CHECK(choice.gain * 300 == Approx(best).margin(1e-9));
    CHECK(choice.band.has_value() == (best > 0));
    CHECK(choice.share <= options.max_forward);
  }
}

TEST_CASE("if no interval pays, or no gain is significant, no row is forwarded") {
  Random random(2);
  std::vector<BandRow> rows(200);
  std::vector<double> served;
  for (auto& row : rows) row = {random.uniform(), -0.1, -0.1}, served.push_back(row.p);
  CHECK_FALSE(search_band(rows, served).band.has_value());
  for (auto& row : rows) row.gain = 0.1, row.seen = random.normal();
  CHECK_FALSE(search_band(rows, served, {.max_forward = 1, .min_z = 50}).band.has_value());
  CHECK_FALSE(search_band({}, {}).band.has_value());
}

}  // namespace sluice::test
