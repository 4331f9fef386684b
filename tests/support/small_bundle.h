#pragma once
/// Small complete bundles for tests: forests and networks with random weights, valid in every file, built quickly and
/// without training.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/bundle/bundle.h"
#include "support/random_forest.h"

namespace sluice::test {

struct SmallBundleOptions {
  std::size_t n_forests = 2, n_trees = 8, depth = 3, n_members = 2, n_background = 24;
  bool with_network = true;
  bool with_late = false;                                       // two more columns, which only the network reads
  bool with_rules = false;                                      // pre, fallback and post
  std::vector<dnn::ForestSignal> signals = {};                  // that the network reads
  std::optional<cascade::Band> band = cascade::Band{0.3, 0.7};  // with min_gain, the bundle has a gain model
};

/// Forwards about half the rows of a small schema, for any forest.
inline constexpr cascade::Band kGainBand{0, 1, true, 0.0};

/// Numbers, categories, an id, a time, a protected column; "amount" (USD) and "ratio" are in one reason group; late
/// columns if requested.
Schema small_schema(bool with_late = false);

/// Random rows of a small schema: normal numbers, codes including unseen ones, one missing cell in ten.
Table small_rows(const Schema& schema, std::size_t n_rows, std::uint64_t seed);

/// A binary forest over the schema's forest columns, as in random_forest.h: its oracle and its JSON writer work for it.
PlainModel small_forest(const Schema& schema, std::uint64_t seed, const SmallBundleOptions& options = {});

/// The gain model of small bundles: a forest over the forest's columns and the margin.
PlainModel small_gain_model(const Schema& schema, std::uint64_t seed);

cascade::BundleFiles small_bundle_files(std::uint64_t seed, const SmallBundleOptions& options = {});

/// Writes the files as a bundle into `folder` and loads it.
std::shared_ptr<const cascade::Bundle> small_bundle(const std::filesystem::path& folder, std::uint64_t seed,
                                                    const SmallBundleOptions& options = {});

}  // namespace sluice::test
