/// Networks by shape: widths around panels and vectors, rows around tiles and blocks, bins, vocabularies, members,
/// paths and outputs around their limits. Every kernel by name, against a recursion that reads the tensors themselves.

#include <algorithm>
#include <map>

#include "dnn_support.h"
#include "sluice/base/error.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {
namespace {

constexpr std::size_t kDistinctRows = 7;
const std::vector<std::size_t> kRowCounts = {0,  1,  2,  5,  6,  7,  12, 13,  15,  16,
                                             17, 63, 64, 65, 95, 96, 97, 511, 512, 513};

std::vector<dnn::DenseKernel> all_kernels() {
  std::vector<dnn::DenseKernel> kernels = dnn::dense_kernels();
  if (dnn::has_kernel(dnn::DenseKernel::avx512_bf16)) kernels.push_back(dnn::DenseKernel::avx512_bf16);
  return kernels;
}

/// `n_numbers` numbers and a category for each number of words; an id that no network reads.
Schema schema_of(std::size_t n_numbers, const std::vector<std::size_t>& vocabularies) {
  std::vector<Column> columns = {{.name = "id", .kind = Kind::id}};
  for (std::size_t i = 0; i < n_numbers; ++i) columns.push_back({.name = "x" + std::to_string(i)});
  for (std::size_t c = 0; c < vocabularies.size(); ++c) {
    columns.push_back({.name = "c" + std::to_string(c), .kind = Kind::category});
    for (std::size_t w = 0; w < vocabularies[c]; ++w) columns.back().vocabulary.push_back(std::to_string(w));
  }
  return Schema(columns);
}

/// Number of comparisons of each kernel.
using Visits = std::map<dnn::DenseKernel, std::size_t>;

/// Batches of `row_counts` rows, with the distinct ones repeated, from every kernel.
void check(const RandomNetwork& n, const FloatTable& distinct, const std::vector<std::size_t>& row_counts,
           Visits& visits) {
  const std::size_t n_outputs = n.network->n_outputs();
  const std::vector<float> exact = naive_forward(n, distinct.view());
  const std::vector<float> bf16 =
      dnn::has_kernel(dnn::DenseKernel::avx512_bf16) ? naive_bf16_forward(n, distinct.view()) : exact;
  for (const auto kernel : all_kernels()) {
    const std::vector<float>& expected = kernel == dnn::DenseKernel::avx512_bf16 ? bf16 : exact;
    const auto executor = dnn::make_executor(n.network, dnn::Device::cpu, kernel);
    REQUIRE(executor->kernel() == dnn::to_string(kernel));
    for (const std::size_t n_rows : row_counts) {
      FloatTable rows(n.encoder.n_encoded(), n_rows);
      std::vector<float> wanted;
      for (std::size_t i = 0; i < n_rows; ++i) {
        const std::size_t k = i % distinct.n_rows();
        std::ranges::copy(distinct.row(k), rows.row(i).begin());
        wanted.insert(wanted.end(), expected.begin() + static_cast<std::ptrdiff_t>(k * n_outputs),
                      expected.begin() + static_cast<std::ptrdiff_t>((k + 1) * n_outputs));
      }
      std::vector<float> margins(wanted.size(), -1);
      executor->forward(rows.view(), margins);
      CAPTURE(dnn::to_string(kernel), n_rows);
      REQUIRE(bits(margins) == bits(wanted));
      ++visits[kernel];
    }
  }
}

void check(const Schema& schema, const std::vector<MemberKind>& kinds, const std::vector<std::size_t>& row_counts,
           std::uint64_t seed, Visits& visits, std::size_t n_outputs = 1) {
  const RandomNetwork n = random_network_of(schema, kinds, seed, n_outputs);
  CAPTURE(seed);
  check(n, random_encoded(n.encoder, kDistinctRows, seed + 1), row_counts, visits);
}

void require_visits(const Visits& visits, std::size_t n) {
  for (const auto kernel : all_kernels()) REQUIRE(visits.at(kernel) == n);
}

}  // namespace

TEST_CASE("every kernel gives the naive recursion's bits for inputs and widths around panels and vectors") {
  const std::vector<std::size_t> widths = {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129};
  Visits visits;
  std::uint64_t seed = 1000;
  for (const std::size_t n_in : widths)
    for (const std::size_t width : widths) {
      const std::size_t dimension = std::max<std::size_t>(n_in, 5) - 4;  // in addition to the forest's inputs
      CAPTURE(n_in, width);
      check(schema_of(0, {3}), {{.hidden = {width}, .category_dimension = dimension}}, {1, 7}, ++seed, visits);
    }
  for (std::size_t width = 1; width <= 300; ++width)  // a single row uses several panels at once
    check(schema_of(0, {}), {{.hidden = {width}}}, {1}, ++seed, visits);
  for (const std::size_t first : {15, 16, 17, 64, 65})
    for (const std::size_t second : {1, 16, 17, 129})
      for (const std::size_t third : {1, 8, 33})
        check(schema_of(1, {}), {{.hidden = {first, second, third}}}, {1, 7}, ++seed, visits);
  require_visits(visits, 2 * (widths.size() * widths.size() + 60) + 300);
}

TEST_CASE("every kernel gives the naive recursion's bits for rows around tiles and blocks") {
  Visits visits;
  std::uint64_t seed = 2000;
  const std::vector<std::vector<MemberKind>> networks = {
      {{.hidden = {}}},
      {{.hidden = {9}}},
      {{.hidden = {}, .n_paths = 2}},
      {{.hidden = {17}, .n_paths = 3}},
      {{.hidden = {}, .n_paths = 63}},
      {{.hidden = {3}, .n_paths = 64}},
      {{.hidden = {5}}, {.hidden = {}, .n_paths = 31}, {.hidden = {16}, .n_paths = 33, .numeric_dimension = 3}},
  };
  for (const auto& kinds : networks) check(schema_of(2, {1, 4}), kinds, kRowCounts, ++seed, visits);
  require_visits(visits, networks.size() * kRowCounts.size());
}

TEST_CASE("every kernel gives the naive recursion's bits if scratch memory has fewer rows than a block") {
  Visits visits;
  std::uint64_t seed = 3000;
  // A row needs its inputs and two layers, each with 16 floats more: with 672 floats a block has 96 rows, with 688 it
  // has 95.
  for (const std::size_t dimension : {300, 316})
    check(schema_of(0, {2}), {{.hidden = {160, 7}, .category_dimension = dimension}}, {94, 95, 96, 97, 191}, ++seed,
          visits);
  for (const std::size_t n_paths : {1, 2, 3})  // the maximum number of inputs: 7 rows per block
    check(schema_of(0, {1, 1, 1, 1}), {{.hidden = {16}, .n_paths = n_paths, .category_dimension = 2047}},
          {1, 6, 7, 8, 13, 14, 15}, ++seed, visits);
  require_visits(visits, 2 * 5 + 3 * 7);
}

TEST_CASE("every kernel gives the naive recursion's bits for embeddings of every width, all bins, and edges") {
  Visits visits;
  std::uint64_t seed = 4000;
  for (const std::size_t dimension : {1, 7, 8, 9, 15, 16, 17, 31, 32, 33})
    for (const std::size_t n_bins : {1, 2, 15, 16, 17, 18, 31, 32, 33, 34}) {
      const std::vector<std::size_t> vocabularies(n_bins % 2, 3);
      const RandomNetwork n = random_network_of(
          schema_of(1, vocabularies),
          {{.hidden = {5}, .n_paths = 1 + n_bins % 2, .numeric_dimension = dimension, .n_bins = n_bins}}, ++seed);
      FloatTable rows = random_encoded(n.encoder, kDistinctRows, seed);
      for (std::size_t i = 0; i < n.encoder.n_dense(); ++i) {  // on an edge, just below one, beyond both ends
        const float* edges = n.network->members()[0].numeric[i].edges.data();
        rows.row(0)[i] = edges[n_bins - 1];
        rows.row(1)[i] = std::nextafter(edges[n_bins - 1], -100.0f);
        rows.row(2)[i] = edges[n_bins / 2];
        rows.row(3)[i] = edges[0] - 3;
        rows.row(4)[i] = edges[n_bins - 1] + 3;
      }
      CAPTURE(dimension, n_bins);
      check(n, rows, {1, 2, 7}, visits);
    }
  require_visits(visits, 300);
}

TEST_CASE("every kernel gives the naive recursion's bits for no, one and many numbers, categories, words and members") {
  Visits visits;
  std::uint64_t seed = 5000;
  std::size_t n = 0;
  for (const std::size_t n_numbers : {0, 1, 2, 40})
    for (const std::vector<std::size_t>& vocabularies :
         {std::vector<std::size_t>{}, {0}, {1}, {0, 1, 2}, {300}, {1, 70, 0, 3, 2, 5}})
      for (const std::size_t n_members : {1, 2, 9})
        for (const std::size_t dimension : {0, 2}) {
          const MemberKind kind{.hidden = {6}, .n_paths = n_members, .numeric_dimension = dimension};
          check(schema_of(n_numbers, vocabularies), std::vector<MemberKind>(n_members, kind), {1, 7}, ++seed, visits);
          n += 2;
        }
  require_visits(visits, n);
}

TEST_CASE("every kernel gives the naive recursion's bits for one, two and the maximum number of outputs") {
  Visits visits;
  std::uint64_t seed = 6000;
  for (const std::size_t n_outputs : {1, 2, 15, 16, 17, 63, 64})
    for (const std::size_t n_paths : {1, 3})
      check(schema_of(1, {2}), {{.hidden = {7}, .n_paths = n_paths}, {.hidden = {}}}, {1, 2, 7, 33}, ++seed, visits,
            n_outputs);
  require_visits(visits, 7 * 2 * 4);
}

TEST_CASE("a network of each limit loads and gives the naive recursion's bits, and one beyond is rejected by name") {
  Visits visits;
  const auto code = [&](const std::vector<std::size_t>& vocabularies, const MemberKind& kind,
                        std::size_t n_outputs = 1) {
    return code_of([&] { check(schema_of(0, vocabularies), {kind}, {1, 7}, 7000, visits, n_outputs); });
  };
  for (const std::size_t n : {dnn::kMaxWidth - 1, dnn::kMaxWidth, dnn::kMaxWidth + 1})
    CHECK(code({}, {.hidden = {n}}) == (n <= dnn::kMaxWidth ? "" : "network.width"));
  for (const std::size_t n : {dnn::kMaxPaths - 1, dnn::kMaxPaths, dnn::kMaxPaths + 1})
    CHECK(code({}, {.hidden = {2}, .n_paths = n}) == (n <= dnn::kMaxPaths ? "" : "network.paths"));
  for (const std::size_t n : {dnn::kMaxOutputs - 1, dnn::kMaxOutputs, dnn::kMaxOutputs + 1})
    CHECK(code({}, {.hidden = {2}}, n) == (n <= dnn::kMaxOutputs ? "" : "network.outputs"));
  for (const std::size_t n : {dnn::kMaxWidth - 1, dnn::kMaxWidth, dnn::kMaxWidth + 1}) {
    CHECK(code({1}, {.hidden = {2}, .category_dimension = n}) == (n <= dnn::kMaxWidth ? "" : "network.dimensions"));
    CHECK(code({}, {.hidden = {2}, .numeric_dimension = n}) == (n <= dnn::kMaxWidth ? "" : "network.bins"));
  }
  // With four categories and four inputs of the forest there are 8192 inputs; a number adds two.
  const MemberKind widest{.hidden = {2}, .category_dimension = 2047};
  CHECK(code({1, 1, 1, 1}, widest) == "");
  CHECK(code_of([&] { check(schema_of(1, {1, 1, 1, 1}), {widest}, {1}, 7000, visits); }) == "network.width");
  CHECK(code({}, {.hidden = {2}, .numeric_dimension = 2048}) == "");  // four inputs of 2048
  require_visits(visits, 2 * (2 + 2 + 2 + 4 + 1 + 1));
}

}  // namespace sluice::test
