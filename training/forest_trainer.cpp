#include "sluice/training/forest_trainer.h"
#include "sluice/bundle/forest_inputs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <span>
#include <utility>

#include "sluice/base/random.h"
#include "sluice/bundle/calibration.h"
#include "sluice/bundle/forest_signals.h"
#include "sluice/cascade/forest_stage.h"
#include "sluice/gbdt/load_xgboost.h"

namespace sluice::training {
namespace {

constexpr std::size_t kServedOfFold = 2;  // forests per fold if these are served

/// The forest's columns of raw rows in XGBoost's form.
struct Features {
  FloatTable rows;
  std::vector<float> labels;
  const Schema* schema = nullptr;

  Features(const Schema& of, const LabelledRows& from)
      : rows(of.forest_columns().size()), labels(from.labels), schema(&of) {
    rows.reserve(from.rows.n_rows());
    for (std::size_t i = 0; i < from.rows.n_rows(); ++i)
      cascade::gather_columns(from.rows.row(i), of.forest_columns(), rows.append());
  }

  gbdt::TrainData data(bool ordered) const {
    gbdt::TrainData data{.rows = rows.view(), .labels = labels};
    for (const std::size_t column : schema->forest_columns()) {
      data.is_category.push_back(!ordered && (*schema)[column].kind == Kind::category);
      data.names.push_back((*schema)[column].name);
    }
    return data;
  }

  /// The rows of one fold (`inside`) or all the others.
  Features part(const std::vector<std::uint8_t>& fold_of, std::uint8_t fold, bool inside) const {
    Features taken = *this;
    taken.rows.clear();
    taken.labels.clear();
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if ((fold_of[i] == fold) != inside) continue;
      taken.rows.append(rows.row(i));
      taken.labels.push_back(labels[i]);
    }
    return taken;
  }
};

gbdt::TrainOptions base_options(const Schema& schema, const ForestOptions& options) {
  gbdt::TrainOptions t;
  t.n_rounds = options.max_rounds;
  t.early_stopping_rounds = options.early_stopping_rounds;
  t.max_depth = 5;
  t.eta = 0.06;
  t.subsample = 0.8;
  t.colsample_bytree = 0.7;
  t.min_child_weight = 5;
  t.lambda = 2;
  t.seed = options.seed;
  t.n_threads = options.n_threads;
  for (const std::size_t column : schema.forest_columns()) t.monotone.push_back(schema[column].monotone);
  if (std::all_of(t.monotone.begin(), t.monotone.end(), [](int sign) { return sign == 0; })) t.monotone.clear();
  return t;
}

/// Log-uniform between the bounds.
double log_uniform(Random& random, double low, double high) {
  return std::exp(random.uniform(std::log(low), std::log(high)));
}

/// The search space: depth 3 to 6, or 8 to 48 leaves within six levels (the limit of the fastest kernels), eta 0.02 to
/// 0.1, share of rows 0.5 to 1, of columns 0.4 to 1, leaf weight 1 to 50, lambda 0.5 to 10. With growth leaf by leaf,
/// categories may be split one against the rest.
gbdt::TrainOptions random_options(gbdt::TrainOptions t, bool by_leaf, Random& random) {
  t.max_depth = 3 + static_cast<int>(random.below(4));
  t.eta = log_uniform(random, 0.02, 0.1);
  t.subsample = random.uniform(0.5, 1.0);
  t.colsample_bytree = random.uniform(0.4, 1.0);
  t.min_child_weight = log_uniform(random, 1, 50);
  t.lambda = log_uniform(random, 0.5, 10);
  if (!by_leaf) return t;
  t.max_depth = 6;
  t.max_leaves = static_cast<int>(log_uniform(random, 8, 48));
  t.max_cat_to_onehot = random.below(2) == 0 ? 4 : 1000;
  return t;
}

std::string describe(const ForestConfiguration& tried, const gbdt::TrainedForest& trained) {
  const gbdt::TrainOptions& t = tried.options;
  char text[220];
  std::snprintf(text, sizeof text,
                "%s %d%s, eta %.3f, rows %.2f, columns %.2f, leaf weight %.1f, lambda %.2f: %zu rounds, log-loss %.5f",
                t.max_leaves > 0 ? "leaves" : "depth", t.max_leaves > 0 ? t.max_leaves : t.max_depth,
                tried.ordered ? ", ordered" : "", t.eta, t.subsample, t.colsample_bytree, t.min_child_weight, t.lambda,
                trained.best_iteration + 1, trained.best_metric);
  return text;
}

/// Reports the progress of one training as a part of a whole pipeline step.
Progress as_part(const Progress& progress, std::string what, std::size_t part, std::size_t n_parts) {
  if (!progress) return {};
  return [&progress, what = std::move(what), part, n_parts](std::string_view, std::uint64_t done, std::uint64_t total) {
    return progress(what, part * total + done, n_parts * total);
  };
}

/// A forest of the search.
struct Trial {
  ForestConfiguration configuration;
  gbdt::TrainedForest trained;
};

/// Whether the order of categories makes a difference for some column.
bool has_orders(const Schema& schema) {
  return std::any_of(schema.forest_columns().begin(), schema.forest_columns().end(),
                     [&](std::size_t column) { return schema[column].vocabulary.size() > 2; });
}

/// The forests of the search, best first.
std::vector<Trial> search(const Features& train, const Features& valid, const ForestOptions& options,
                          std::vector<std::string>& log, const Progress& progress) {
  const gbdt::TrainOptions first = base_options(*train.schema, options);
  const std::size_t n_kinds = has_orders(*train.schema) ? 4 : 2;
  Random random(options.seed, 7);
  std::vector<Trial> trials;
  for (std::size_t k = 0; k < options.n_search; ++k) {
    const std::size_t kind = k % n_kinds;
    ForestConfiguration tried{k == 0 ? first : random_options(first, kind % 2 != 0, random), kind >= 2};
    const auto train_data = train.data(tried.ordered), valid_data = valid.data(tried.ordered);
    auto trained =
        gbdt::train(train_data, &valid_data, tried.options, as_part(progress, "forest search", k, options.n_search));
    log.push_back(describe(tried, trained));
    trials.push_back({std::move(tried), std::move(trained)});
  }
  std::stable_sort(trials.begin(), trials.end(),
                   [](const Trial& a, const Trial& b) { return a.trained.best_metric < b.trained.best_metric; });
  return trials;
}

/// Assigns rows to folds by a seeded shuffle, stratified by label, so that each fold has its share of a rare class.
std::vector<std::uint8_t> assign_folds(const std::vector<float>& labels, std::size_t n_folds, std::uint64_t seed) {
  std::array<std::vector<std::size_t>, 2> by_label;
  for (std::size_t i = 0; i < labels.size(); ++i) by_label[labels[i] > 0.5f].push_back(i);
  std::vector<std::uint8_t> fold_of(labels.size());
  Random random(seed, 11);
  for (auto& rows : by_label) {
    random.shuffle(rows);
    for (std::size_t k = 0; k < rows.size(); ++k) fold_of[rows[k]] = static_cast<std::uint8_t>(k % n_folds);
  }
  return fold_of;
}

std::vector<dnn::PrefixMargins> staged_margins(std::span<const gbdt::Forest> bag, const Schema& schema,
                                               const Table& rows) {
  const auto stage =
      cascade::make_forest_stage(std::make_shared<const std::vector<gbdt::Forest>>(bag.begin(), bag.end()), schema);
  std::vector<dnn::PrefixMargins> staged(rows.n_rows());
  stage->score(rows.view(), staged);
  return staged;
}

/// Moves out-of-fold margins to the scale of the refitted forest, so that both calibrations give the same probability.
void align(std::vector<dnn::PrefixMargins>& out_of_fold, const std::vector<float>& labels,
           const std::vector<dnn::PrefixMargins>& refit_valid, const std::vector<float>& valid_labels) {
  const auto last = [](const std::vector<dnn::PrefixMargins>& staged) {
    std::vector<float> margins;
    for (const auto& s : staged) margins.push_back(s.back());
    return margins;
  };
  const auto from = cascade::fit_platt(last(out_of_fold), labels),
             to = cascade::fit_platt(last(refit_valid), valid_labels);
  for (auto& staged : out_of_fold)
    for (float& m : staged) m = static_cast<float>((from.slope * m + from.intercept - to.intercept) / to.slope);
}

void keep(std::string json, const std::string& name, ForestResult& result) {
  result.forests.push_back(gbdt::load_xgboost(json, name));
  result.json.push_back(std::move(json));
}

/// Trains forests without each fold and scores the fold with them: one forest per served configuration, so that the
/// margins that the network learns from have no more noise than those that it will correct. Fewer if these forests are
/// served themselves: each costs time in every decision.
void train_folds(const Features& all, const LabelledRows& train, const ForestOptions& options, ForestResult& result,
                 const Progress& progress) {
  const auto fold_of = assign_folds(train.labels, options.n_folds, options.seed);
  const std::size_t n_each = options.serve_folds ? std::min(kServedOfFold, result.chosen.size()) : result.chosen.size();
  result.out_of_fold.resize(train.labels.size());
  const std::size_t n_signals = options.signals.size();
  result.signals.resize(train.labels.size() * n_signals);
  for (std::size_t fold = 0; fold < options.n_folds; ++fold) {
    const Features rest = all.part(fold_of, static_cast<std::uint8_t>(fold), false),
                   held = all.part(fold_of, static_cast<std::uint8_t>(fold), true);
    const std::size_t first = result.forests.size();
    for (std::size_t k = 0; k < n_each; ++k) {
      const bool ordered = result.chosen[k].ordered;
      const auto held_data = held.data(ordered);
      keep(gbdt::train(rest.data(ordered), &held_data, result.chosen[k].options,
                       as_part(progress, "forest folds", fold * n_each + k, options.n_folds * n_each))
               .json,
           "fold " + std::to_string(fold), result);
    }
    const auto forests = std::span(result.forests).subspan(first);
    const auto staged = staged_margins(forests, *all.schema, train.rows);
    std::vector<float> signals(result.signals.size());
    if (n_signals > 0)
      cascade::ForestSignals(forests, *all.schema, options.signals).compute(train.rows.view(), signals);
    for (std::size_t i = 0; i < fold_of.size(); ++i) {
      if (fold_of[i] != fold) continue;
      result.out_of_fold[i] = staged[i];
      for (std::size_t k = i * n_signals; k < (i + 1) * n_signals; ++k) result.signals[k] = signals[k];
    }
  }
}

}  // namespace

ForestResult train_forests(const Schema& schema, const LabelledRows& train, const LabelledRows& valid,
                           const ForestOptions& options, const Progress& progress) {
  const Features train_features(schema, train), valid_features(schema, valid);
  ForestResult result;
  std::vector<Trial> trials = search(train_features, valid_features, options, result.log, progress);
  result.best = gbdt::load_xgboost(trials[0].trained.json, "the best of the search");
  // Always found: the first configuration grows level by level.
  const auto by_level = std::find_if(trials.begin(), trials.end(), [](const Trial& trial) {
    return trial.configuration.options.max_leaves == 0 && !trial.configuration.ordered;
  });
  result.by_level = gbdt::load_xgboost(by_level->trained.json, "the best of the search, level by level");
  trials.resize(std::min(options.n_bag, (trials.size() + 1) / 2));
  for (const Trial& trial : trials) result.chosen.push_back(trial.configuration);

  train_folds(train_features, train, options, result, progress);
  if (options.serve_folds) return result;
  result.forests.clear();
  result.json.clear();
  for (std::size_t k = 0; k < options.n_bag; ++k) {
    const Trial& trial = trials[k % trials.size()];
    if (k < trials.size()) {
      keep(trial.trained.json, "refit", result);
      continue;
    }
    gbdt::TrainOptions seeded = trial.configuration.options;
    seeded.seed = options.seed + k / trials.size();
    const bool ordered = trial.configuration.ordered;
    const auto valid_data = valid_features.data(ordered);
    keep(gbdt::train(train_features.data(ordered), &valid_data, seeded,
                     as_part(progress, "forest seeds", k - trials.size(), options.n_bag - trials.size()))
             .json,
         "refit", result);
  }
  if (options.n_bag == 1)
    align(result.out_of_fold, train.labels, staged_margins(result.forests, schema, valid.rows), valid.labels);
  return result;
}

gbdt::Forest train_plain(const Schema& schema, const LabelledRows& train, std::size_t n_rounds, int max_depth,
                         double eta, int n_threads, const Progress& progress) {
  gbdt::TrainOptions options;
  options.n_rounds = n_rounds;
  options.max_depth = max_depth;
  options.eta = eta;
  options.n_threads = n_threads;
  return gbdt::load_xgboost(
      gbdt::train(Features(schema, train).data(false), nullptr, options, as_part(progress, "plain XGBoost", 0, 1)).json,
      "plain XGBoost");
}

}  // namespace sluice::training
