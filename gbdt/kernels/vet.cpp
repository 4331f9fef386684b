#include "sluice/gbdt/kernels/vet.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "sluice/base/number.h"
#include "sluice/base/random.h"
#include "sluice/gbdt/kernels/binned_kernel.h"

namespace sluice::gbdt {
namespace {

// A whole block is compared up to so many columns: its code does not depend on their number, its time does.
constexpr std::size_t kMaxWholeColumns = 512;
// Few enough to take at most a twentieth of the loading time (script/bench gbdt --all), fewer if rows are long.
// Kernels that run only if they are named see some of them.
constexpr std::size_t kProbes = 32, kProbesIfNamed = 8, kMaxProbeCells = std::size_t{1} << 19;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

float near_threshold(float threshold, Random& random) {
  switch (random.below(5)) {
    case 0:
      return std::nextafter(threshold, -kInfinity);
    case 1:
      return std::nextafter(threshold, kInfinity);
    case 2:
      return kMissing;
    default:
      return threshold;
  }
}

float near_set(const CategorySet& set, Random& random) {
  switch (random.below(8)) {
    case 0:
      return kMissing;
    case 1:
      return -1.0f;
    case 2:
      return 16777216.0f;
    default:
      return static_cast<float>(random.below(32 * set.n_words + 2)) + 0.5f * static_cast<float>(random.below(2));
  }
}

bool are_same(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b)); }

/// "" if `found` has the bits of `expected`, or of its first row repeated.
std::string difference(const Forest& forest, std::span<const float> found, std::span<const float> expected) {
  for (std::size_t k = 0; k < found.size(); ++k) {
    const float right = expected[k % expected.size()];
    if (are_same(found[k], right)) continue;
    return "row " + std::to_string(k / forest.n_groups) + ", output " + std::to_string(k % forest.n_groups) + ": " +
           number_text(found[k]) + " instead of " + number_text(right);
  }
  return "";
}

class Vetting {
 public:
  Vetting(Forest& forest, BinnedForest& binned)
      : forest_(forest), binned_(binned), rows_(probe_rows(forest)), expected_(output_size(forest, rows_.n_rows())) {
    predict(forest_, rows_.view(), expected_, {.kernel = Kernel::scalar});
  }

  void run() {
    for (const Kernel kernel : kernels())
      for (const Method method : {Method::rows, Method::planes})
        if (has_method(forest_, kernel, method)) vet(kernel, method);
  }

 private:
  void vet(Kernel kernel, Method method) {
    const bool is_fastest = kernel == kernels().back();
    const std::size_t n_rows = is_fastest ? rows_.n_rows() : std::min(rows_.n_rows(), kProbesIfNamed);
    std::string found = compare(kernel, method, rows_.view().slice(0, n_rows), expected_);
    if (found.empty() && method == Method::planes && is_fastest && forest_.n_features <= kMaxWholeColumns) {
      // A block without padding has code of its own.
      BatchView whole = rows_.view().slice(0, 1);
      whole.n_rows = kPlaneRows;
      whole.stride = 0;
      found = compare(kernel, method, whole, std::span(expected_).first(forest_.n_groups));
    }
    if (found.empty()) return;
    binned_.refused |= refusal_of(kernel, method);
    forest_.warnings.push_back("the method " + std::string(to_string(method)) + " of the kernel " +
                               std::string(to_string(kernel)) + " differs from the plain walk (probe " + found +
                               ") and is not used; margins are correct, please report the model's shape");
  }

  std::string compare(Kernel kernel, Method method, BatchView rows, std::span<const float> expected) {
    out_.resize(output_size(forest_, rows.n_rows));
    predict(forest_, rows, out_, {.kernel = kernel, .method = method});
    return difference(forest_, out_, expected);
  }

  Forest& forest_;
  BinnedForest& binned_;
  FloatTable rows_;
  std::vector<float> expected_, out_;
};

}  // namespace

FloatTable probe_rows(const Forest& forest) {
  Random random(20261130);
  const std::size_t n_rows =
      std::clamp<std::size_t>(kMaxProbeCells / std::max<std::size_t>(1, forest.n_features), 1, kProbes);
  FloatTable rows(forest.n_features, n_rows);
  // Twice as many draws as cells, because half of the nodes are leaves; no more than nodes, so that the time of probing
  // is in proportion to loading.
  const std::size_t n_draws = std::min(2 * n_rows * forest.n_features, forest.nodes.size());
  for (std::size_t k = 0; k < n_draws; ++k) {
    const Node& node = forest.nodes[random.below(forest.nodes.size())];
    if (node.is_leaf()) continue;
    rows.row(k % n_rows)[node.feature] = node.is_category()
                                             ? near_set(forest.category_sets[node.category_set()], random)
                                             : near_threshold(node.value, random);
  }
  return rows;
}

void adopt(Forest& forest, std::shared_ptr<BinnedForest> binned) {
  forest.warnings.clear();
  forest.binned = nullptr;
  if (binned == nullptr) return;
  if (const std::string wrong = binned->check(forest); !wrong.empty()) {
    forest.warnings.push_back("the forest uses the plain walk, because the data of its fast methods is damaged (" +
                              wrong + "); please report the model's shape");
    return;
  }
  forest.binned = binned;
  Vetting(forest, *binned).run();
}

}  // namespace sluice::gbdt
