#include "sluice/gbdt/features.h"

#include "sluice/base/error.h"
#include "sluice/gbdt/iterations.h"
#include "support/catch.h"

using namespace sluice;
using namespace sluice::gbdt;

namespace {

using Texts = std::vector<std::string>;

Forest named() {
  Forest forest;
  forest.n_features = 3;
  forest.feature_names = {"age", "income", "state"};
  forest.feature_types = {"q", "float", "c"};
  return forest;
}

std::string fault(const Texts& names, const Texts& types, const Forest& forest = named()) {
  try {
    check_features(forest, names, types);
  } catch (const Error& error) {
    return error.code() + ": " + error.message();
  }
  return "no error";
}

}  // namespace

TEST_CASE("columns are matched to features by name") {
  CHECK(check_features(named(), Texts{"age", "income", "state"}) == std::vector<std::size_t>{0, 1, 2});
  CHECK(check_features(named(), Texts{"state", "age", "income"}, Texts{"c", "q", "q"}) ==
        std::vector<std::size_t>{1, 2, 0});
  Forest nameless = named();
  nameless.feature_names.clear();
  CHECK(check_features(nameless, Texts{"x", "y", "z"}) == std::vector<std::size_t>{0, 1, 2});
}

TEST_CASE("a mismatched column is reported by name") {
  CHECK(fault({"age", "income"}, {})
            .starts_with("features.missing: no column is named \"state\", which the model reads"));
  CHECK(fault({"age", "income", "state", "zip"}, {}).starts_with("features.extra: column \"zip\""));
  CHECK(fault({"age", "income", "age"}, {}).starts_with("features.duplicate"));
  CHECK(fault({"age", "income", "state"}, {"q", "q", "q"}).starts_with("features.type: feature \"state\" is a number"));
  CHECK(fault({"state", "age", "income"}, {"c", "c", "q"}).starts_with("features.type: feature \"age\" is a category"));
  CHECK(fault({"age", "income", "state"}, {"q"}).starts_with("features.count"));
  Forest nameless = named();
  nameless.feature_names.clear();
  CHECK(fault({"age"}, {}, nameless).starts_with("features.count"));
}

TEST_CASE("rounds are ranges of trees") {
  Forest forest;
  forest.trees.resize(10);
  forest.iteration_first = {0, 4, 8, 10};
  CHECK(n_iterations(forest) == 3);
  CHECK(iterations(forest, 0, 0).last == 10);
  CHECK(iterations(forest, 1, 2).first == 4);
  CHECK(iterations(forest, 1, 2).last == 8);
  CHECK_THROWS_AS(iterations(forest, 2, 2), Error);
  CHECK_THROWS_AS(iterations(forest, 0, 4), Error);
  forest.best_iteration = 1;
  CHECK(best_iterations(forest).last == 8);
  forest.best_iteration = 7;
  CHECK(best_iterations(forest).last == 10);
}
