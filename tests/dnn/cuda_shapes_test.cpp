/// The CUDA executor by shape, on the emulator: inputs, widths and pairs around every tile of layer_kernel.cu, heads
/// and bins around the size of a block of threads. The number of processors determines a layer's tile.

#include <algorithm>

#include "cuda_runtime_api.h"
#include "dnn_support.h"
#include "sluice/dnn/cuda/cuda_executor.h"
#include "support/catch.h"

namespace sluice::test {
namespace {

using cuda_emulator::machine;

/// Columns that no network reads, except a category of `n_words` words, if any; four inputs are the forest's.
Schema schema_of(std::size_t n_words, bool has_category = true) {
  std::vector<Column> columns = {{.name = "id", .kind = Kind::id}};
  if (has_category) columns.push_back({.name = "c", .kind = Kind::category});
  for (std::size_t w = 0; has_category && w < n_words; ++w) columns.back().vocabulary.push_back(std::to_string(w));
  return Schema(columns);
}

void check(const Schema& schema, const std::vector<MemberKind>& kinds, const std::vector<std::size_t>& row_counts,
           std::uint64_t seed) {
  const RandomNetwork n = random_network_of(schema, kinds, seed);
  const std::size_t most = *std::ranges::max_element(row_counts);
  const FloatTable rows = random_encoded(n.encoder, most, seed + 1);
  const auto expected = bits(naive_forward(n, rows.view()));
  for (const int n_processors : {1, 3, 1000}) {
    machine().n_devices = 1, machine().driver_version = 13000, machine().free_bytes = 100'000'000;
    machine().n_processors = n_processors;
    const auto executor = dnn::make_cuda_executor(n.network, {.max_batch = 64, .n_slots = 1});
    for (const std::size_t n_rows : row_counts) {
      std::vector<float> margins(n_rows);
      executor->forward(rows.view().slice(0, n_rows), margins);
      CAPTURE(seed, n_processors, n_rows);
      REQUIRE(std::ranges::equal(bits(margins), std::span(expected).first(n_rows)));
    }
  }
}

}  // namespace

TEST_CASE("on a device, inputs and widths around every tile have the naive recursion's bits") {
  std::uint64_t seed = 8000;
  for (const std::size_t n : {5, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129}) {
    check(schema_of(2), {{.hidden = {17}, .category_dimension = n - 4}}, {2}, ++seed);
    check(schema_of(2), {{.hidden = {n}, .category_dimension = 13}}, {1}, ++seed);
  }
}

TEST_CASE("on a device, pairs of rows and paths around every tile have the naive recursion's bits") {
  std::uint64_t seed = 9000;
  for (const std::size_t n_paths : {15, 16, 17, 64})
    check(schema_of(1), {{.hidden = {5}, .n_paths = n_paths}, {.hidden = {}, .n_paths = n_paths}}, {1, 2}, ++seed);
  check(schema_of(1), {{.hidden = {17}}}, {1, 16, 17, 33, 65}, ++seed);
}

TEST_CASE("on a device, bins, words and members of every number have the naive recursion's bits") {
  std::uint64_t seed = 10000;
  for (const std::size_t n_bins : {1, 2, 17})
    for (const std::size_t dimension : {1, 9})
      check(schema_of(0, false), {{.hidden = {3}, .numeric_dimension = dimension, .n_bins = n_bins}}, {5}, ++seed);
  for (const std::size_t n_words : {0, 1, 300}) check(schema_of(n_words), {{.hidden = {3}}}, {5}, ++seed);
  for (const std::size_t n_members : {2, 9})
    check(schema_of(2), std::vector<MemberKind>(n_members, {.hidden = {4}, .n_paths = n_members}), {3}, ++seed);
}

}  // namespace sluice::test
