/// Forest prediction beside libxgboost's, in one run on one thread: 300 trees of depth 6, 3 % missing.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "sluice/base/random.h"
#include "sluice/gbdt/booster.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/tree_shap.h"

namespace {

using namespace sluice;
using namespace sluice::gbdt;

constexpr std::size_t kRepeats = 9, kBatch = 8192, kSingles = 512, kShapRows = 64;

struct Data {
  FloatTable rows;
  std::vector<float> labels;
};

Data make_data(std::size_t n_rows, std::size_t n_features, std::uint64_t seed) {
  Random random(seed);
  Data data{FloatTable(n_features, n_rows), std::vector<float>(n_rows)};
  for (std::size_t i = 0; i < n_rows; ++i) {
    double logit = random.normal();
    auto row = data.rows.row(i);
    for (std::size_t c = 0; c < n_features; ++c) {
      row[c] = static_cast<float>(random.normal());
      logit += std::sin(row[c] * static_cast<float>(c % 3 + 1)) * row[(c + 1) % n_features] * 0.3;
      if (random.uniform() < 0.03) row[c] = std::numeric_limits<float>::quiet_NaN();
    }
    data.labels[i] = logit > 0 ? 1.0f : 0.0f;
  }
  return data;
}

/// Median over the repeats, in microseconds a row.
template <class Work>
double time_us(std::size_t n_rows, const Work& work) {
  std::vector<double> times;
  for (std::size_t r = 0; r < kRepeats; ++r) {
    const auto start = std::chrono::steady_clock::now();
    work();
    times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count() /
                    static_cast<double>(n_rows));
  }
  std::nth_element(times.begin(), times.begin() + kRepeats / 2, times.end());
  return times[kRepeats / 2];
}

void bench(std::size_t n_features) {
  const Data training = make_data(20000, n_features, 1), test = make_data(kBatch, n_features, 2);
  const std::string json = train({training.rows.view(), training.labels, {}, {}, {}}, nullptr, {}).json;
  const Forest forest = load_xgboost(json, "bench");
  const ReferenceBooster peer(json);
  const BatchView rows = test.rows.view(), singles = rows.slice(0, kSingles), shap_rows = rows.slice(0, kShapRows);
  std::vector<float> margins(kBatch), one(1), reference;
  std::vector<double> phi(attribution_size(forest, kShapRows));

  std::printf("%zu trees, %zu features, %zu nodes, %.1f MB\n", forest.n_trees(), n_features, forest.nodes.size(),
              static_cast<double>(forest.memory_bytes()) * 1e-6);
  std::printf("  %-22s %12s %12s\n", "us a row", "sluice", ("XGBoost " + xgboost_version()).c_str());
  const double batch = time_us(kBatch, [&] { predict(forest, rows, margins); });
  const double peer_batch = time_us(kBatch, [&] { reference = peer.margins(rows); });
  const bool is_same = std::memcmp(margins.data(), reference.data(), kBatch * sizeof(float)) == 0;
  std::printf("  %-22s %12.2f %12.2f   %s\n", "batch of 8192", batch, peer_batch,
              is_same ? "same bits" : "BITS DIFFER");
  const double single = time_us(kSingles, [&] {
    for (std::size_t i = 0; i < kSingles; ++i) predict_row(forest, singles.row(i), one);
  });
  const double peer_single = time_us(kSingles, [&] {
    for (std::size_t i = 0; i < kSingles; ++i) peer.margins(singles.slice(i, 1));
  });
  std::printf("  %-22s %12.2f %12.2f\n", "one row", single, peer_single);
  const double shap = time_us(kShapRows, [&] { tree_shap(forest, shap_rows, phi); });
  const double peer_shap = time_us(kShapRows, [&] { reference = peer.contribs(shap_rows); });
  double worst = 0;
  for (std::size_t k = 0; k < phi.size(); ++k)
    worst = std::max(worst, std::abs(phi[k] - static_cast<double>(reference[k])));
  std::printf("  %-22s %12.1f %12.1f   largest difference %.1e\n", "SHAP, batch of 64", shap, peer_shap, worst);
}

}  // namespace

int main() {
  for (const std::size_t n_features : {30, 64}) bench(n_features);
}
