#include "sluice/explain/shapley.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sluice/base/error.h"
#include "sluice/base/random.h"
#include "support/catch.h"

using namespace sluice;
using namespace sluice::explain;

namespace {

constexpr std::uint64_t kSeed = 20261121;
using Function = std::function<double(RowView)>;

Evaluate each(const Function& f) {
  return [f](RowsView rows, std::span<double> values) {
    for (std::size_t i = 0; i < rows.n_rows; ++i) values[i] = f(rows.row(i));
  };
}

Permutation shuffled(std::uint64_t seed) {
  return [seed](std::size_t reference, std::size_t pair, std::span<std::uint16_t> out) {
    std::vector<std::uint16_t> order(out.size());
    std::iota(order.begin(), order.end(), std::uint16_t{0});
    Random(seed, reference * 1000 + pair).shuffle(order);
    std::copy(order.begin(), order.end(), out.begin());
  };
}

Table random_table(std::size_t n_rows, std::size_t n_columns, std::uint64_t seed) {
  Random random(seed);
  Table table(n_columns, n_rows);
  for (std::size_t i = 0; i < n_rows; ++i)
    for (double& cell : table.row(i)) cell = random.normal();
  return table;
}

/// Has interactions of every order, so that one pair of permutations is not enough.
Function rough_function(std::uint64_t seed) {
  return [seed](RowView row) {
    double sum = 0, product = 1;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const double weight = Random(seed, c).normal();
      sum += weight * row[c];
      product *= std::tanh(row[c] + weight);
    }
    return std::sin(2 * sum) + 3 * product + sum;
  };
}

std::vector<std::size_t> all_columns(std::size_t n) {
  std::vector<std::size_t> columns(n);
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  return columns;
}

/// The definition: the mean marginal contribution over every order of the players.
std::vector<double> by_definition(RowView row, const Table& references, const std::vector<std::size_t>& players,
                                  const Function& f) {
  std::vector<double> phi(players.size());
  std::vector<std::size_t> order(players.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  double n_orders = 0;
  do {
    for (std::size_t r = 0; r < references.n_rows(); ++r) {
      std::vector<double> mixed(row.begin(), row.end());
      for (const std::size_t column : players) mixed[column] = references.row(r)[column];
      for (const std::size_t player : order) {
        const double before = f(mixed);
        mixed[players[player]] = row[players[player]];
        phi[player] += f(mixed) - before;
      }
    }
    ++n_orders;
  } while (std::next_permutation(order.begin(), order.end()));
  for (double& value : phi) value /= n_orders * static_cast<double>(references.n_rows());
  return phi;
}

double total(const ShapleyValues& v) { return std::accumulate(v.phi.begin(), v.phi.end(), v.base); }

}  // namespace

TEST_CASE("exact values equal the definition's, for any set of players") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Table row = random_table(1, 6, kSeed + seed), references = random_table(4, 6, kSeed + 100 + seed);
    const Function f = rough_function(seed);
    for (const auto& players : {all_columns(6), std::vector<std::size_t>{5, 0, 3}}) {
      const ShapleyValues v = exact_shapley({row.row(0), references.view(), players}, each(f));
      const auto expected = by_definition(row.row(0), references, players, f);
      CAPTURE(seed, players.size());
      for (std::size_t i = 0; i < players.size(); ++i) REQUIRE(std::abs(v.phi[i] - expected[i]) <= 1e-10);
      REQUIRE(std::abs(total(v) - f(row.row(0))) <= 1e-10);
    }
  }
}

TEST_CASE("sampling every permutation gives the exact values") {
  constexpr std::size_t kPlayers = 5;
  std::vector<std::vector<std::uint16_t>> half;  // one of each permutation and its reverse
  std::vector<std::uint16_t> order(kPlayers);
  std::iota(order.begin(), order.end(), std::uint16_t{0});
  do {
    if (order.front() < order.back()) half.push_back(order);
  } while (std::next_permutation(order.begin(), order.end()));
  const Permutation listed = [&](std::size_t, std::size_t pair, std::span<std::uint16_t> out) {
    std::copy(half[pair].begin(), half[pair].end(), out.begin());
  };

  const Table row = random_table(1, kPlayers, kSeed), references = random_table(7, kPlayers, kSeed + 1);
  const auto players = all_columns(kPlayers);
  const Function f = rough_function(1);
  const ShapleyInput input{row.row(0), references.view(), players};
  const ShapleyValues sampled =
      permutation_shapley(input, f(row.row(0)), listed, {.min_pairs = half.size(), .max_pairs = half.size()}, each(f));
  const ShapleyValues exact = exact_shapley(input, each(f));
  for (std::size_t i = 0; i < kPlayers; ++i) CHECK(std::abs(sampled.phi[i] - exact.phi[i]) <= 1e-12);
  CHECK(sampled.base == Approx(exact.base));
}

TEST_CASE("sampled values are additive, and their errors match their standard errors") {
  double squares = 0, n = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Table row = random_table(1, 7, kSeed + seed), references = random_table(20, 7, kSeed + 500 + seed);
    const auto players = all_columns(7);
    const Function f = rough_function(seed);
    const ShapleyInput input{row.row(0), references.view(), players};
    const ShapleyValues sampled =
        permutation_shapley(input, f(row.row(0)), shuffled(seed), {.min_pairs = 4, .max_pairs = 4}, each(f));
    const ShapleyValues exact = exact_shapley(input, each(f));
    CAPTURE(seed);
    REQUIRE(std::abs(total(sampled) - f(row.row(0))) <= 1e-10);
    for (std::size_t i = 0; i < players.size(); ++i) {
      REQUIRE(sampled.standard_error[i] > 0);
      const double z = (sampled.phi[i] - exact.phi[i]) / sampled.standard_error[i];
      REQUIRE(std::abs(z) < 6);
      squares += z * z;
      ++n;
    }
  }
  CHECK(squares / n > 0.7);  // 1 for correct standard errors
  CHECK(squares / n < 1.4);
}

TEST_CASE("a column that the function does not read gets exactly 0") {
  const Table row = random_table(1, 5, kSeed), references = random_table(9, 5, kSeed + 1);
  const Function f = [](RowView r) { return std::exp(r[0]) * r[1] - r[4] * r[0]; };  // not 2, not 3
  const auto players = all_columns(5);
  const ShapleyInput input{row.row(0), references.view(), players};
  for (const ShapleyValues& v :
       {permutation_shapley(input, f(row.row(0)), shuffled(3), {}, each(f)), exact_shapley(input, each(f))})
    for (const std::size_t dummy : {2, 3}) {
      CHECK(v.phi[dummy] == 0);
      CHECK(v.standard_error[dummy] == 0);
    }
}

TEST_CASE("columns with the same effect get the same value") {
  Table row = random_table(1, 4, kSeed), references = random_table(5, 4, kSeed + 1);
  row.row(0)[2] = row.row(0)[1];
  for (std::size_t r = 0; r < references.n_rows(); ++r) references.row(r)[2] = references.row(r)[1];
  const Function f = [](RowView r) { return std::tanh(r[1] + r[2]) * r[0] + r[1] * r[2] * r[3]; };
  const auto players = all_columns(4);
  const ShapleyInput input{row.row(0), references.view(), players};
  const ShapleyValues exact = exact_shapley(input, each(f));
  CHECK(std::abs(exact.phi[1] - exact.phi[2]) <= 1e-12);
  const ShapleyValues sampled =
      permutation_shapley(input, f(row.row(0)), shuffled(1), {.min_pairs = 64, .max_pairs = 64}, each(f));
  CHECK(std::abs(sampled.phi[1] - sampled.phi[2]) <=
        6 * std::hypot(sampled.standard_error[1], sampled.standard_error[2]) + 1e-12);
}

TEST_CASE("a row equal to its reference, including missing cells, gets only zeros") {
  Table row = random_table(1, 4, kSeed);
  row.row(0)[2] = std::nan("");
  const Function f = [](RowView r) { return r[0] * r[1] + (std::isnan(r[2]) ? 2.0 : r[2]); };
  const auto players = all_columns(4);
  const ShapleyInput input{row.row(0), row.view(), players};
  for (const ShapleyValues& v :
       {permutation_shapley(input, f(row.row(0)), shuffled(1), {}, each(f)), exact_shapley(input, each(f))}) {
    CHECK(v.base == f(row.row(0)));
    for (const double phi : v.phi) CHECK(phi == 0);
  }
}

TEST_CASE("pairs are added until the fourth value is significant, but at most max_pairs") {
  const Table row = random_table(1, 8, kSeed + 7), references = random_table(6, 8, kSeed + 8);
  const auto players = all_columns(8);
  const ShapleyInput input{row.row(0), references.view(), players};
  const Function additive = [](RowView r) { return r[0] + 2 * r[1] - r[5]; };
  CHECK(permutation_shapley(input, additive(row.row(0)), shuffled(1), {}, each(additive)).n_pairs == 2);
  const Function rough = rough_function(2);
  const Evaluate evaluate = each(rough);
  const double value = rough(row.row(0));
  CHECK(permutation_shapley(input, value, shuffled(1), {.min_pairs = 2, .max_pairs = 5, .n_ranked = 0}, evaluate)
            .n_pairs == 2);
  bool more = false;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const Table other = random_table(1, 8, seed);
    const ShapleyInput again{other.row(0), references.view(), players};
    const auto v =
        permutation_shapley(again, rough(other.row(0)), shuffled(1), {.min_pairs = 2, .max_pairs = 5}, evaluate);
    CHECK(v.n_pairs <= 5);
    more = more || v.n_pairs > 2;
  }
  CHECK(more);
}

TEST_CASE("too many columns and values that are not finite are errors") {
  const Table row = random_table(1, 13, kSeed), references = random_table(2, 13, kSeed + 1);
  const auto players = all_columns(13);
  const ShapleyInput input{row.row(0), references.view(), players};
  CHECK_THROWS_AS(exact_shapley(input, each([](RowView r) { return r[0]; })), Error);
  const Evaluate broken = each([](RowView r) { return r[0] > 100 ? 1.0 : std::nan(""); });
  CHECK_THROWS_AS(permutation_shapley(input, 1.0, shuffled(1), {}, broken), Error);
}
