#include "sluice/gbdt/kernel.h"

#include <algorithm>
#include <map>

#include "sluice/base/error.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "support/allocations.h"
#include "support/catch.h"
#include "support/random_forest.h"

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::test;

namespace {

constexpr std::uint64_t kSeed = 20261121;

/// Forests for every method: one block, several tiers, lists, several lists per tree, more cuts per feature than a byte
/// can represent, more columns than fit in one, two and four registers, and more than any kernel supports.
const std::map<std::string, ModelShape> kShapes = {
    {"shallow", {.max_features = 12, .max_trees = 40, .max_depth = 6}},
    {"stumps", {.max_features = 5, .max_trees = 20, .max_depth = 1}},
    {"deep", {.max_features = 12, .max_trees = 20, .max_depth = 9}},
    {"deeper", {.max_features = 12, .max_trees = 6, .max_depth = 12}},
    {"many cuts", {.max_features = 2, .max_trees = 150, .max_depth = 6}},
    {"100 columns", {.max_features = 100, .max_trees = 40, .max_depth = 6}},
    {"200 columns", {.max_features = 220, .max_trees = 60, .max_depth = 7}},
    {"600 columns", {.max_features = 700, .max_trees = 60, .max_depth = 6}},
    {"2000 columns", {.max_features = 2500, .max_trees = 250, .max_depth = 6}},
};

struct Case {
  PlainModel model;
  Forest forest;
  FloatTable rows;
  std::vector<float> expected;
};

Case make_case(const ModelShape& shape, std::uint64_t stream, std::size_t n_rows) {
  Random random(kSeed, stream);
  Case out;
  out.model = random_model(random, shape);
  out.forest = load_xgboost(to_json(out.model), "random");
  out.rows = random_rows(out.model, n_rows, random);
  out.expected = oracle::margins(out.model, out.rows.view());
  return out;
}

/// "" if the kernel gave the expected bits and was the one that ran; "no method" if it does not support the forest.
std::string trouble(const Case& c, std::size_t n, Kernel kernel, ThreadPool* pool = nullptr) {
  std::vector<float> out(output_size(c.forest, n));
  Ran ran;
  try {
    ran = predict(c.forest, c.rows.view().slice(0, n), out, {.kernel = kernel, .pool = pool});
  } catch (const Error& error) {
    return error.code() == "kernel.forest" ? "no method" : error.code();
  }
  if (ran.kernel != kernel) return "the kernel " + std::string(to_string(ran.kernel)) + " ran";
  return difference(out, std::span(c.expected).first(out.size()));
}

}  // namespace

TEST_CASE("every kernel gives the oracle's bits for every batch size, and is the one that ran") {
  std::map<Kernel, std::size_t> n_ran;
  for (const auto& [name, shape] : kShapes)
    for (std::uint64_t stream = 0; stream < 6; ++stream) {
      const Case c = make_case(shape, stream, 700);
      for (const Kernel kernel : kernels())
        for (const std::size_t n : {1, 2, 47, 48, 63, 64, 65, 129, 511, 512, 513, 700}) {
          CAPTURE(name, stream, n, to_string(kernel), describe(c.model));
          const std::string found = trouble(c, n, kernel);
          if (found == "no method") continue;
          REQUIRE(found == "");
          ++n_ran[kernel];
        }
    }
  for (const Kernel kernel : kernels()) {
    CAPTURE(to_string(kernel));
    REQUIRE(n_ran[kernel] > 200);  // of 648: no kernel passes by having no method
  }
}

TEST_CASE("one row has the same bits from every kernel, and allocates nothing") {
  for (const auto& [name, shape] : kShapes) {
    const Case c = make_case(shape, 20, 40);
    const std::size_t n_groups = c.forest.n_groups;
    for (const Kernel kernel : kernels()) {
      std::vector<float> out(c.expected.size());
      CAPTURE(name, to_string(kernel));
      try {
        if (choice_of(c.forest, 1, kernel).kernel != kernel) continue;
      } catch (const Error&) {
        continue;
      }
      const std::size_t before = n_allocations();
      for (std::size_t i = 0; i < 40; ++i)
        predict_row(c.forest, c.rows.row(i), std::span(out).subspan(i * n_groups, n_groups), kernel);
      REQUIRE(n_allocations() == before);
      REQUIRE(difference(out, c.expected) == "");
    }
  }
}

TEST_CASE("a batch allocates nothing") {
  for (const auto& [name, shape] : kShapes) {
    const Case c = make_case(shape, 21, 600);
    std::vector<float> out(c.expected.size());
    CAPTURE(name);
    const std::size_t before = n_allocations();
    predict(c.forest, c.rows.view(), out);
    REQUIRE(n_allocations() == before);
    REQUIRE(difference(out, c.expected) == "");
  }
}

TEST_CASE("threads do not change a bit") {
  ThreadPool pool(3);
  for (const auto& [name, shape] : kShapes) {
    const Case c = make_case(shape, 30, 2500);
    for (const Kernel kernel : kernels()) {
      CAPTURE(name, to_string(kernel));
      const std::string found = trouble(c, 2500, kernel, &pool);
      REQUIRE((found == "" || found == "no method"));
    }
  }
}

TEST_CASE("base margins replace the forest's own, row by row") {
  for (const auto& [name, shape] : kShapes) {
    const Case c = make_case(shape, 40, 600);
    Random random(kSeed, 41);
    std::vector<float> base(c.expected.size());
    for (float& value : base) value = static_cast<float>(random.normal());
    std::vector<float> one(c.forest.n_groups);
    for (const Kernel kernel : kernels()) {
      std::vector<float> out(base.size());
      CAPTURE(name, to_string(kernel));
      try {
        predict(c.forest, c.rows.view(), out, {.kernel = kernel, .base_margin = base});
      } catch (const Error& error) {
        REQUIRE(error.code() == "kernel.forest");
        continue;
      }
      PlainModel model = c.model;
      const std::size_t n_groups = c.forest.n_groups;
      // The oracle supports one base margin: one row and one group at a time.
      for (std::size_t i = 0; i < 600; i += 97) {
        for (std::size_t g = 0; g < n_groups; ++g) {
          model.base_margin = base[i * n_groups + g];
          const auto expected = oracle::margins(model, c.rows.view().slice(i, 1));
          REQUIRE(difference({&out[i * n_groups + g], 1}, {&expected[g], 1}) == "");
        }
      }
    }
    std::vector<float> out(base.size());
    REQUIRE_THROWS_AS(predict(c.forest, c.rows.view(), out, {.base_margin = std::span<const float>(base).subspan(1)}),
                      Error);
  }
}

TEST_CASE("kernels have names, and the error of a wrong name lists them") {
  for (const Kernel kernel : kernels()) REQUIRE(parse_kernel(to_string(kernel)) == kernel);
  REQUIRE(parse_kernel("auto") == Kernel::automatic);
  REQUIRE(resolve(Kernel::automatic) == kernels().back());
  for (const Method method : {Method::automatic, Method::walk, Method::rows, Method::planes})
    REQUIRE(parse_method(to_string(method)) == method);
  REQUIRE_THROWS_AS(parse_method("plane"), Error);
  try {
    parse_kernel("avx1024");
    FAIL("no error");
  } catch (const Error& error) {
    REQUIRE(error.code() == "kernel.name");
    REQUIRE(error.hint().find("avx512-vbmi") != std::string::npos);
  }
}
