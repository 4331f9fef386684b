#include "sluice/training/gain_step.h"

#include <algorithm>
#include <cmath>

#include "sluice/base/random.h"
#include "support/catch.h"

namespace sluice::test {

using namespace training;

TEST_CASE("min_gain forwards as many rows as the cap allows, equal gains together") {
  Random random(1);
  for (int k = 0; k < 200; ++k) {
    const std::size_t n = 40 + random.below(300);
    const BandOptions options{.max_forward = random.uniform(0.05, 1.0), .min_z = -INFINITY};
    std::vector<BandRow> rows(n);
    std::vector<float> gains(n);
    for (std::size_t i = 0; i < n; ++i) {
      gains[i] = static_cast<float>(k % 2 ? random.normal() : std::floor(random.normal() * 3));
      rows[i].seen = random.normal();
    }
    const BandChoice choice = choose_min_gain(rows, gains, options);
    const double cap =
        options.max_forward - 0.5 * std::sqrt(options.max_forward * (1 - options.max_forward) / double(n));
    float least = INFINITY;  // the smallest gain that is allowed
    for (const float candidate : gains) {
      const auto taken = std::count_if(gains.begin(), gains.end(), [&](float g) { return g >= candidate; });
      if (candidate > 0 && double(taken) <= cap * double(n)) least = std::min(least, candidate);
    }
    CAPTURE(k, n, options.max_forward, least);
    REQUIRE(choice.band.has_value() == std::isfinite(least));
    if (!choice.band) continue;
    CHECK(*choice.band->min_gain == double(least));
    CHECK((choice.band->low == 0 && choice.band->high == 1 && choice.band->closed));
    double seen = 0, n_taken = 0;
    for (std::size_t i = 0; i < n; ++i)
      if (gains[i] >= least) seen += rows[i].seen, ++n_taken;
    CHECK(choice.gain == Approx(seen / double(n)).margin(1e-12));
    CHECK(choice.share == Approx(n_taken / double(n)));
  }
}

TEST_CASE("an expected gain that the labels do not confirm forwards no row") {
  Random random(2);
  std::vector<BandRow> rows(500);
  std::vector<float> gains(500);
  for (std::size_t i = 0; i < rows.size(); ++i) gains[i] = static_cast<float>(random.uniform(0.1, 1));
  for (BandRow& row : rows) row.seen = random.normal() - 0.5;
  CHECK_FALSE(choose_min_gain(rows, gains, {}).band.has_value());
  for (BandRow& row : rows) row.seen = random.normal() + 0.5;
  CHECK(choose_min_gain(rows, gains, {}).band.has_value());
  CHECK_FALSE(choose_min_gain(rows, gains, {.min_z = 100}).band.has_value());
  std::fill(gains.begin(), gains.end(), -0.1f);
  CHECK_FALSE(choose_min_gain(rows, gains, {.min_z = -INFINITY}).band.has_value());
  CHECK_FALSE(choose_min_gain({}, {}, {}).band.has_value());
}

TEST_CASE("one row, whose own variance is 0, is not enough for a min_gain") {
  std::vector<BandRow> rows(500);
  std::vector<float> gains(500, -0.1f);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].seen = i % 2 ? 1 : -1;
  gains[0] = 0.5f;
  rows[0].seen = 0.9;  // less than the standard deviation of the others
  CHECK_FALSE(choose_min_gain(rows, gains, {}).band.has_value());
  rows[0].seen = 1.1;
  const BandChoice choice = choose_min_gain(rows, gains, {});
  REQUIRE(choice.band.has_value());
  CHECK(choice.standard_error == Approx(1.0 / 500).epsilon(0.01));
}

TEST_CASE("the gain model learns where the network saves, and two runs give the same bytes") {
  Random random(3);
  const Schema schema({{.name = "x"}, {.name = "z"}, {.name = "c", .kind = Kind::category, .vocabulary = {"a", "b"}}});
  Part part{.rows = Table(3), .labels = {}};
  std::vector<float> expected;
  for (int i = 0; i < 4000; ++i) {
    const auto row = part.rows.append();
    row[0] = random.normal(), row[1] = random.normal(), row[2] = static_cast<double>(random.below(2));
    if (random.below(20) == 0) row[1] = std::nan("");
    part.staged.emplace_back().fill(static_cast<float>(random.normal()));
    expected.push_back((row[1] > 0.5 && row[2] == 1 ? 1.0f : 0.0f) + 0.1f * part.staged.back().back() +
                       0.5f * static_cast<float>(random.normal()));
  }
  Models models, again;
  train_gain_model(schema, part, expected, {}, models, {});
  train_gain_model(schema, part, expected, {}, again, {});
  CHECK(models.gain_json == again.gain_json);
  double wrong = 0;
  const std::vector<float> gains = expect_gains(models, part);
  for (std::size_t i = 0; i < gains.size(); ++i) {
    const RowView row = part.rows.row(i);
    const double truth = (row[1] > 0.5 && row[2] == 1 ? 1.0 : 0.0) + 0.1 * double(part.staged[i].back());
    wrong += (double(gains[i]) - truth) * (double(gains[i]) - truth) / double(gains.size());
  }
  CHECK(std::sqrt(wrong) < 0.12);  // the targets' own noise is 0.5
  CHECK(expect_gains(Models{}, part).empty());
}

}  // namespace sluice::test
