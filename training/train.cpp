#include "sluice/training/train.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/version.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/rules/ruleset.h"
#include "sluice/training/gain_step.h"
#include "sluice/training/pipeline.h"
#ifdef SLUICE_HAVE_TORCH
#include "sluice/dnn/train/math_libraries.h"
#endif

namespace sluice::training {
namespace {

Part take_part(const Dataset& data, const std::vector<std::size_t>& which) {
  Part part;
  part.rows = take_rows(data.rows, which);
  part.labels = take_labels(data.labels, which);
  part.numbers = which;
  return part;
}

void check_part(const Part& part, const char* name) {
  const auto n_positive = std::count(part.labels.begin(), part.labels.end(), 1.0f);
  if (n_positive == 0 || n_positive == static_cast<std::ptrdiff_t>(part.labels.size()))
    throw Error("data.one_class", std::string("the ") + name + " part of the split has only one class",
                "use more rows, or leave out --time");
}

/// The schema's columns in the order of a given forest's features, then the others. Leaves out, with a warning, the
/// columns that a forest would read and this one does not.
Schema fit_schema_to(const gbdt::Forest& forest, const Schema& schema, std::vector<std::string>& warnings) {
  if (forest.feature_names.empty()) return schema;
  std::vector<Column> columns;
  for (const auto& name : forest.feature_names) columns.push_back(schema[schema.index_of(name)]);
  for (const Column& column : schema.columns()) {
    if (std::find(forest.feature_names.begin(), forest.feature_names.end(), column.name) != forest.feature_names.end())
      continue;
    const bool is_feature =
        (column.kind == Kind::number || column.kind == Kind::category) && !column.is_protected && !column.late;
    if (is_feature)
      warnings.push_back("column \"" + column.name +
                         "\" is not a feature of the given forest; it is left out (--late gives it to the network)");
    else
      columns.push_back(column);
  }
  return Schema(std::move(columns));
}

void add_rules(const std::filesystem::path& folder, const Schema& schema, cascade::BundleFiles& files) {
  bool any = false;
  for (const auto phase : {rules::Phase::pre, rules::Phase::fallback, rules::Phase::post}) {
    const std::string name = std::string(rules::to_string(phase)) + ".json";
    if (!std::filesystem::exists(folder / name)) continue;
    any = true;
    std::string text = read_file(folder / name);
    const auto read_beside = [&](const std::string& list) { return files["rules/" + list] = read_file(folder / list); };
    throw_if_errors(rules::RuleSet::compile(text, (folder / name).string(), schema, phase, read_beside).diagnostics);
    files["rules/" + name] = std::move(text);
  }
  if (!any) throw Error("rules.none", folder.string() + ": the folder has no pre.json, fallback.json or post.json");
}

class Training {
 public:
  Training(const TrainRequest& request, const Progress& progress) : request_(request), progress_(progress) {}

  TrainResult run() {
    read_schema();
    read_data();
    train_forest_stage();
    if (request_.with_network) train_network_stage(request_, schema_, train_, valid_, models_, report_, progress_);
    calibrate();
    const cascade::Policy policy = choose_policy(request_, schema_, train_, valid_, models_, report_, progress_);
    for (Part* part : {&train_, &valid_, &test_}) part->gains = expect_gains(models_, *part);
    report_figures(policy);
    return pack(policy);
  }

 private:
  bool has_network() const { return models_.network != nullptr; }

  void read_schema() {
    if (request_.schema) {
      schema_ = Schema::from_json(read_file(*request_.schema), request_.schema->string());
      if (schema_.find(request_.columns.label))
        throw Error("schema.label",
                    request_.schema->string() + ": the label \"" + request_.columns.label + "\" is one of the columns",
                    "remove it: a model must not read the label");
    } else {
      InferOptions columns = request_.columns;
      if (!request_.split.empty()) columns.drop.push_back(request_.split);
      InferredSchema inferred = infer_schema(request_.data, columns, progress_);
      schema_ = inferred.schema;
      report_.warnings = inferred.warnings;
    }
    if (!schema_.late_columns().empty() && !request_.with_network)
      throw Error("training.late_without_network",
                  "only the network reads late columns, and --network none disables it");
    if (request_.policy && !request_.with_network &&
        cascade::parse_policy(read_file(*request_.policy), request_.policy->string()).asks_gain())
      throw Error("policy.min_gain", request_.policy->string() +
                                         ": the band has a min_gain, and --network none disables the network that "
                                         "would give the gain");
    if (!request_.forest) return;
    given_forest_ = gbdt::load_forest(*request_.forest);
    schema_ = fit_schema_to(given_forest_, schema_, report_.warnings);
  }

  void read_data() {
    Dataset data = load_dataset(request_.data, schema_, request_.columns.label, request_.positive, progress_);
    report_.warnings.insert(report_.warnings.end(), data.warnings.begin(), data.warnings.end());
    for (auto& leak : find_leaks(data, schema_)) report_.warnings.push_back(std::move(leak));
    const Split split = request_.split.empty() ? split_rows(data, schema_, request_.seed, request_.columns.time)
                                               : split_by_column(request_.data, request_.split, progress_);
    train_ = take_part(data, split.train);
    valid_ = take_part(data, split.valid);
    test_ = take_part(data, split.test);
    held_out_ = split.test;
    check_part(train_, "training");
    check_part(valid_, "validation");
    check_part(test_, "test");
    report_.n_train = train_.labels.size();
    report_.n_valid = valid_.labels.size();
    report_.n_test = test_.labels.size();
    report_.bad_rate =
        std::accumulate(data.labels.begin(), data.labels.end(), 0.0) / static_cast<double>(data.labels.size());
    report_.costs = request_.costs.value_or(cascade::Costs::for_bad_rate(report_.bad_rate));
    data_digest_ = data.digest;
  }

  void train_forest_stage() {
    if (request_.forest) {
      models_.forest_json = {read_file(*request_.forest)};
      models_.forests = std::make_shared<const std::vector<gbdt::Forest>>(1, given_forest_);
      report_.warnings.push_back(
          "the given forest's margins are used unchanged: if it was trained on these rows, the network learns from "
          "margins that are too confident");
    } else {
      ForestOptions options = request_.forest_options;
      options.seed = request_.seed;
      if (request_.with_network) options.signals = request_.signals;
      ForestResult result = train_forests(schema_, train_.labelled(), valid_.labelled(), options, progress_);
      models_.forest_json = std::move(result.json);
      models_.forests = std::make_shared<const std::vector<gbdt::Forest>>(std::move(result.forests));
      for (Part* part : {&train_, &valid_, &test_})
        for (const gbdt::Forest* single : {&result.by_level, &result.best})
          part->p_single.push_back(probabilities_of(*single, schema_, valid_, *part));
      train_.staged = std::move(result.out_of_fold);
      train_.signals = std::move(result.signals);
      report_.search_log = std::move(result.log);
    }
    models_.forest_stage = cascade::make_forest_stage(models_.forests, schema_);
    if (train_.staged.empty()) score_forest(models_, train_);
    score_forest(models_, valid_);
    score_forest(models_, test_);
    if (request_.with_network && !request_.signals.empty()) compute_signals();
  }

  void compute_signals() {
    models_.signals = std::make_shared<const cascade::ForestSignals>(*models_.forests, schema_, request_.signals);
    for (Part* part : {&train_, &valid_}) {
      if (!part->signals.empty()) continue;
      part->signals.resize(part->rows.n_rows() * models_.signals->size());
      models_.signals->compute(part->rows.view(), part->signals);
    }
  }

  void calibrate() {
    std::vector<float> margins;
    for (const auto& staged : valid_.staged) margins.push_back(staged.back());
    models_.calibration.forest = cascade::fit_platt(margins, valid_.labels);
    if (has_network()) {
      models_.network_stage = cascade::make_network_stage(models_.network, dnn::Device::cpu, models_.signals);
      valid_.network_margins.resize(valid_.rows.n_rows());
      models_.network_stage->score(valid_.rows.view(), valid_.staged, valid_.network_margins,
                                   cascade::Deadline::none());
      models_.calibration.network = cascade::fit_platt(valid_.network_margins, valid_.labels);
    }
    score_probabilities(models_, train_);
    score_probabilities(models_, valid_);
    score_probabilities(models_, test_);
  }

  void report_figures(const cascade::Policy& policy) {
    if (request_.with_baseline) {
      // XGBoost's default eta of 0.3 overfits with 300 trees; 0.1 is the usual first choice, and the stronger baseline.
      for (const double eta : {0.3, 0.1}) {
        const auto plain =
            train_plain(schema_, train_.labelled(), 300, 6, eta, request_.forest_options.n_threads, progress_);
        evaluate_peer(eta == 0.3 ? "plain XGBoost" : "plain, eta 0.1", probabilities_of(plain, schema_, valid_, test_),
                      policy, test_, report_);
      }
    }
    for (std::size_t k = 0; k < test_.p_single.size(); ++k)
      evaluate_peer(k == 0 ? "one forest" : "best forest", test_.p_single[k], policy, test_, report_);
    evaluate(policy, schema_, test_, has_network(), report_);
  }

  TrainResult pack(const cascade::Policy& policy) {
    TrainResult result;
    auto& files = result.files;
    files["schema.json"] = schema_.to_json();
    for (std::size_t k = 0; k < models_.forest_json.size(); ++k)
      files[models_.forest_json.size() == 1 ? "forest.json" : "forest-" + std::to_string(k) + ".json"] =
          models_.forest_json[k];
    if (has_network()) {
      files["network.json"] = models_.network->to_json(schema_);
      files["network.safetensors"] = models_.network_tensors;
      files["parity.json"] = dnn::to_json(
          dnn::take_parity_sample(*dnn::make_executor(models_.network, dnn::Device::cpu), models_.network->encoder()));
    }
    if (models_.gain) files["gain.json"] = models_.gain_json;
    files["calibration.json"] = models_.calibration.to_json();
    files["policy.json"] = request_.policy ? read_file(*request_.policy) : policy.to_json();
    if (request_.rules) add_rules(*request_.rules, schema_, files);
    add_backgrounds(schema_, policy, train_, valid_, request_.seed, files);
    files["train_report.json"] = report_.to_json();
    result.provenance = {request_.columns.label,
                         data_digest_,
                         request_.seed,
                         {{"sluice", version()}, {"xgboost", gbdt::xgboost_version()}}};
#ifdef SLUICE_HAVE_TORCH
    result.provenance.libraries["torch"] = dnn::torch_version();
    if (has_network()) result.provenance.libraries.merge(dnn::math_libraries());
#endif
    result.report = std::move(report_);
    result.held_out = std::move(held_out_);
    for (const auto& [name, part] : {std::pair("train", &train_), {"valid", &valid_}, {"test", &test_}})
      add_scores(name, *part, policy, result.scores);
    return result;
  }

  static void add_scores(const char* name, const Part& part, const cascade::Policy& policy,
                         std::vector<RowScores>& out) {
    const auto single = [&](std::size_t k, std::size_t i) {
      return k < part.p_single.size() ? part.p_single[k][i] : std::nan("");
    };
    for (std::size_t i = 0; i < part.labels.size(); ++i)
      out.push_back({part.numbers[i], name, part.labels[i], single(0, i), single(1, i), part.p_forest[i],
                     part.p_network[i], is_forwarded(policy, part, i)});
  }

  const TrainRequest& request_;
  const Progress& progress_;
  Schema schema_;
  gbdt::Forest given_forest_;
  Part train_, valid_, test_;
  Models models_;
  TrainReport report_;
  std::string data_digest_;
  std::vector<std::size_t> held_out_;
};

}  // namespace

TrainResult train(const TrainRequest& request, const Progress& progress) { return Training(request, progress).run(); }

}  // namespace sluice::training
