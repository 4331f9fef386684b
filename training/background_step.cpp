#include <algorithm>
#include <numeric>

#include "sluice/base/random.h"
#include "sluice/bundle/background.h"
#include "sluice/training/pipeline.h"

namespace sluice::training {
namespace {

constexpr std::size_t kRows = 100;
constexpr std::size_t kMinRows = 20;  // with fewer approved rows the population is the reference

std::vector<std::size_t> sample(std::size_t n, std::uint64_t seed) {
  std::vector<std::size_t> rows(n);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  Random random(seed, 13);
  random.shuffle(rows);
  rows.resize(std::min(n, kRows));
  std::sort(rows.begin(), rows.end());
  return rows;
}

/// The approved rows closest to the cut-off among those that were forwarded (`through_network`) or were not.
std::vector<std::size_t> approved_near_cutoff(const cascade::Policy& policy, const Part& part, bool through_network) {
  const auto& p = through_network ? part.p_network : part.p_forest;
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (is_forwarded(policy, part, i) == through_network && policy.level0.decide(p[i]) == cascade::Action::approve)
      rows.push_back(i);
  }
  std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
  rows.resize(std::min(rows.size(), kRows));
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace

void add_backgrounds(const Schema& schema, const cascade::Policy& policy, const Part& train, const Part& valid,
                     std::uint64_t seed, cascade::BundleFiles& files) {
  const Table population = take_rows(train.rows, sample(train.rows.n_rows(), seed));
  const auto add = [&](const std::string& name, const Table& rows) {
    files["backgrounds/" + name + ".arrow"] = cascade::write_background(rows.view(), schema);
  };
  add("population", population);
  for (const bool through_network : {false, true}) {
    const auto rows = approved_near_cutoff(policy, valid, through_network);
    add(through_network ? "approved_network" : "approved_forest",
        rows.size() < kMinRows ? population : take_rows(valid.rows, rows));
  }
}

}  // namespace sluice::training
