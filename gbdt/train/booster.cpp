#include "sluice/gbdt/train/booster.h"

#include <xgboost/c_api.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "sluice/base/error.h"
#include "sluice/base/number.h"
#include "sluice/gbdt/train/train_checks.h"

namespace sluice::gbdt {
namespace {

/// libxgboost's messages have a stack trace below their first line.
void check(int status) {
  if (status == 0) return;
  std::string text = XGBGetLastError();
  if (const auto end = text.find("\nStack trace"); end != text.npos) text.resize(end);
  throw Error("booster.xgboost", "libxgboost " + xgboost_version() + ": " + text);
}

struct FreeMatrix {
  void operator()(void* handle) const { XGDMatrixFree(handle); }
};
struct FreeBooster {
  void operator()(void* handle) const { XGBoosterFree(handle); }
};
using Matrix = std::unique_ptr<void, FreeMatrix>;
using Booster = std::unique_ptr<void, FreeBooster>;

/// NumPy's array interface, by which libxgboost reads dense memory without copying.
std::string array_interface(BatchView rows) {
  const nlohmann::json array = {{"data", {reinterpret_cast<std::uintptr_t>(rows.data), true}},
                                {"shape", {rows.n_rows, rows.n_columns}},
                                {"strides", {rows.stride * sizeof(float), sizeof(float)}},
                                {"typestr", "<f4"},
                                {"version", 3}};
  return array.dump();
}

Matrix make_matrix(BatchView rows, int n_threads) {
  const std::string config = R"({"missing": NaN, "nthread": )" + std::to_string(n_threads) + "}";
  DMatrixHandle handle = nullptr;
  check(XGDMatrixCreateFromDense(array_interface(rows).c_str(), config.c_str(), &handle));
  return Matrix(handle);
}

/// `set` is XGDMatrixSetStrFeatureInfo or its counterpart for boosters.
template <class Set>
void set_texts(Set set, void* handle, const char* field, const std::vector<std::string>& texts) {
  std::vector<const char*> pointers;
  for (const auto& text : texts) pointers.push_back(text.c_str());
  check(set(handle, field, pointers.data(), pointers.size()));
}

std::vector<std::string> feature_types(const TrainData& data) {
  std::vector<std::string> types(data.rows.n_columns, "q");
  for (std::size_t c = 0; c < data.is_category.size(); ++c)
    if (data.is_category[c]) types[c] = "c";
  return types;
}

Matrix make_matrix(const TrainData& data, int n_threads) {
  Matrix matrix = make_matrix(data.rows, n_threads);
  check(XGDMatrixSetFloatInfo(matrix.get(), "label", data.labels.data(), data.labels.size()));
  if (!data.weights.empty())
    check(XGDMatrixSetFloatInfo(matrix.get(), "weight", data.weights.data(), data.weights.size()));
  if (!data.names.empty()) set_texts(XGDMatrixSetStrFeatureInfo, matrix.get(), "feature_name", data.names);
  set_texts(XGDMatrixSetStrFeatureInfo, matrix.get(), "feature_type", feature_types(data));
  return matrix;
}

std::vector<std::pair<std::string, std::string>> parameters(const TrainOptions& options) {
  std::vector<std::pair<std::string, std::string>> out = {
      {"verbosity", "0"},
      {"booster", "gbtree"},
      {"objective", options.objective},
      {"eval_metric", options.eval_metric},
      {"max_depth", std::to_string(options.max_depth)},
      {"grow_policy", options.max_leaves > 0 ? "lossguide" : "depthwise"},
      {"max_leaves", std::to_string(options.max_leaves)},
      {"eta", number_text(options.eta)},
      {"subsample", number_text(options.subsample)},
      {"colsample_bytree", number_text(options.colsample_bytree)},
      {"colsample_bylevel", number_text(options.colsample_bylevel)},
      {"min_child_weight", number_text(options.min_child_weight)},
      {"lambda", number_text(options.lambda)},
      {"alpha", number_text(options.alpha)},
      {"gamma", number_text(options.gamma)},
      {"scale_pos_weight", number_text(options.scale_pos_weight)},
      {"tree_method", options.tree_method},
      {"max_bin", std::to_string(options.max_bin)},
      {"max_cat_to_onehot", std::to_string(options.max_cat_to_onehot)},
      {"seed", std::to_string(options.seed & 0x7fffffff)},  // XGBoost's seed is a signed int
      {"nthread", std::to_string(options.n_threads)}};
  if (options.base_score) out.emplace_back("base_score", number_text(*options.base_score));
  if (options.n_classes > 0) out.emplace_back("num_class", std::to_string(options.n_classes));
  if (!options.monotone.empty()) {
    std::string signs;
    for (const int sign : options.monotone) signs += (signs.empty() ? "(" : ",") + std::to_string(sign);
    out.emplace_back("monotone_constraints", signs + ")");
  }
  out.insert(out.end(), options.extra.begin(), options.extra.end());
  return out;
}

/// "[7]\tvalid-logloss:0.69314718": the last metric's value.
double evaluate(BoosterHandle booster, std::size_t round, DMatrixHandle matrix) {
  const char* name = "valid";
  const char* text = nullptr;
  check(XGBoosterEvalOneIter(booster, static_cast<int>(round), &matrix, &name, 1, &text));
  const std::string_view line = text;
  const std::string_view digits = line.substr(line.rfind(':') + 1);
  double value = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc())
    throw Error("booster.xgboost", "libxgboost's evaluation is \"" + std::string(line) + "\"");
  return value;
}

bool is_better(const std::string& metric, double a, double b) {
  for (const char* rising : {"auc", "aucpr", "map", "ndcg", "pre"})
    if (metric == rising || metric.starts_with(std::string(rising) + "@")) return a > b;
  return a < b;
}

struct BestRound {
  std::size_t round = 0;
  double metric = 0;
};

/// Boosts until the last round, or until the metric on `valid` has not improved for early_stopping_rounds.
BestRound boost(BoosterHandle booster, DMatrixHandle train, DMatrixHandle valid, const TrainOptions& options,
                const Progress& progress) {
  const bool may_stop = valid != nullptr && options.early_stopping_rounds > 0;
  BestRound best;
  for (std::size_t round = 0; round < options.n_rounds; ++round) {
    report(progress, "train forest", round, options.n_rounds);
    check(XGBoosterUpdateOneIter(booster, static_cast<int>(round), train));
    const bool is_last = round + 1 == options.n_rounds;
    if (!may_stop && !is_last) continue;
    const double metric = evaluate(booster, round, valid != nullptr ? valid : train);
    if (!may_stop || round == 0 || is_better(options.eval_metric, metric, best.metric)) best = {round, metric};
    if (may_stop && round - best.round >= options.early_stopping_rounds) break;
  }
  report(progress, "train forest", options.n_rounds, options.n_rounds);
  return best;
}

std::string save_json(BoosterHandle booster) {
  bst_ulong size = 0;
  const char* bytes = nullptr;
  check(XGBoosterSaveModelToBuffer(booster, R"({"format": "json"})", &size, &bytes));
  return {bytes, size};
}

}  // namespace

TrainedForest train(const TrainData& train, const TrainData* valid, const TrainOptions& options,
                    const Progress& progress) {
  check_train_data(train, options, "training data", true);
  check_train_options(options, train.rows.n_columns);
  if (valid != nullptr) {
    check_train_data(*valid, options, "validation data", false);
    if (valid->rows.n_columns != train.rows.n_columns)
      throw Error("booster.shape", "the training data has " + std::to_string(train.rows.n_columns) +
                                       " columns, but the validation data has " +
                                       std::to_string(valid->rows.n_columns));
  }

  const Matrix train_matrix = make_matrix(train, options.n_threads);
  const Matrix valid_matrix = valid != nullptr ? make_matrix(*valid, options.n_threads) : nullptr;
  DMatrixHandle matrices[] = {train_matrix.get(), valid_matrix.get()};
  BoosterHandle handle = nullptr;
  check(XGBoosterCreate(matrices, valid != nullptr ? 2 : 1, &handle));
  const Booster booster(handle);
  for (const auto& [name, value] : parameters(options))
    check(XGBoosterSetParam(booster.get(), name.c_str(), value.c_str()));

  const BestRound best = boost(booster.get(), train_matrix.get(), valid_matrix.get(), options, progress);

  BoosterHandle kept_handle = nullptr;
  check(XGBoosterSlice(booster.get(), 0, static_cast<int>(best.round + 1), 1, &kept_handle));
  const Booster kept(kept_handle);
  // A slice loses both.
  if (!train.names.empty()) set_texts(XGBoosterSetStrFeatureInfo, kept.get(), "feature_name", train.names);
  set_texts(XGBoosterSetStrFeatureInfo, kept.get(), "feature_type", feature_types(train));
  check(XGBoosterSetAttr(kept.get(), "best_iteration", std::to_string(best.round).c_str()));
  return {save_json(kept.get()), best.round, best.metric};
}

struct ReferenceBooster::State {
  Booster booster;
  int n_threads = 1;

  template <class T>
  std::vector<T> copy(const bst_ulong* shape, bst_ulong n_dimensions, const float* values) const {
    std::size_t size = 1;
    for (bst_ulong i = 0; i < n_dimensions; ++i) size *= shape[i];
    return std::vector<T>(values, values + size);
  }

  /// `type` in the numbering of XGBoosterPredictFromDMatrix.
  template <class T>
  std::vector<T> from_matrix(BatchView rows, int type) const {
    const Matrix matrix = make_matrix(rows, n_threads);
    const std::string config =
        R"({"training": false, "iteration_begin": 0, "iteration_end": 0, "strict_shape": true, "type": )" +
        std::to_string(type) + "}";
    const bst_ulong* shape = nullptr;
    bst_ulong n_dimensions = 0;
    const float* values = nullptr;
    check(XGBoosterPredictFromDMatrix(booster.get(), matrix.get(), config.c_str(), &shape, &n_dimensions, &values));
    return copy<T>(shape, n_dimensions, values);
  }

  /// Straight from memory: faster, and accepts infinite cells.
  std::vector<float> from_memory(BatchView rows, int type, std::size_t last_round) const {
    const std::string config =
        R"({"training": false, "iteration_begin": 0, "strict_shape": true, "missing": NaN, "cache_id": 0, "iteration_end": )" +
        std::to_string(last_round) + R"(, "type": )" + std::to_string(type) + "}";
    const bst_ulong* shape = nullptr;
    bst_ulong n_dimensions = 0;
    const float* values = nullptr;
    check(XGBoosterPredictFromDense(booster.get(), array_interface(rows).c_str(), config.c_str(), nullptr, &shape,
                                    &n_dimensions, &values));
    return copy<float>(shape, n_dimensions, values);
  }
};

ReferenceBooster::ReferenceBooster(std::string_view json, int n_threads) : state_(std::make_unique<State>()) {
  BoosterHandle handle = nullptr;
  check(XGBoosterCreate(nullptr, 0, &handle));
  state_->booster.reset(handle);
  state_->n_threads = n_threads;
  check(XGBoosterSetParam(handle, "verbosity", "0"));
  check(XGBoosterSetParam(handle, "nthread", std::to_string(n_threads).c_str()));
  check(XGBoosterLoadModelFromBuffer(handle, json.data(), json.size()));
}
ReferenceBooster::~ReferenceBooster() = default;
ReferenceBooster::ReferenceBooster(ReferenceBooster&&) noexcept = default;
ReferenceBooster& ReferenceBooster::operator=(ReferenceBooster&&) noexcept = default;

std::vector<float> ReferenceBooster::margins(BatchView rows, std::size_t last_round) const {
  return state_->from_memory(rows, 1, last_round);
}
std::vector<float> ReferenceBooster::predictions(BatchView rows) const { return state_->from_memory(rows, 0, 0); }
std::vector<float> ReferenceBooster::matrix_margins(BatchView rows) const {
  return state_->from_matrix<float>(rows, 1);
}
std::vector<float> ReferenceBooster::contribs(BatchView rows) const { return state_->from_matrix<float>(rows, 2); }
std::vector<float> ReferenceBooster::approximate_contribs(BatchView rows) const {
  return state_->from_matrix<float>(rows, 3);
}
std::vector<float> ReferenceBooster::interactions(BatchView rows) const { return state_->from_matrix<float>(rows, 4); }
std::vector<std::int32_t> ReferenceBooster::leaves(BatchView rows) const {
  return state_->from_matrix<std::int32_t>(rows, 6);
}

std::string xgboost_version() {
  int major = 0, minor = 0, patch = 0;
  XGBoostVersion(&major, &minor, &patch);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace sluice::gbdt
