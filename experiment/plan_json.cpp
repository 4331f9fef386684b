#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "sluice/base/error.h"
#include "sluice/base/json_fields.h"
#include "sluice/base/number.h"
#include "sluice/experiment/plan.h"
#include "sluice/rules/compile/spelt_time.h"

namespace sluice::experiment {
namespace {

/// Records write names separated by "/" and spaces.
bool is_name(std::string_view text) {
  const auto is_good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), is_good);
}

class PlanReader {
 public:
  PlanReader(std::string source, std::vector<Diagnostic>& out) : source_(std::move(source)), out_(out) {}

  std::int64_t version = 1;
  std::vector<Layer> layers;
  std::vector<Experiment> experiments;

  void read(const Json& json) {
    JsonFields fields = object(json, "");
    for (const char* key : {"plan_version", "layers", "experiments"}) fields.require(key);
    version = fields.integer("plan_version", 1, 0);
    each(fields, "layers", kMaxLayers, [&](const Json& layer, const std::string& at) { read_layer(layer, at); });
    each(fields, "experiments", kMaxExperiments,
         [&](const Json& experiment, const std::string& at) { read_experiment(experiment, at); });
    fields.finish();
  }

 private:
  using Seen = std::unordered_map<std::string, std::string>;  // text to the pointer of its first place

  JsonFields object(const Json& json, std::string pointer) {
    return JsonFields(json, std::move(pointer), source_, "experiment", out_);
  }
  void add(std::string code, std::string pointer, std::string message, std::string hint = {}) {
    out_.push_back({.code = "experiment." + code,
                    .source = source_,
                    .pointer = std::move(pointer),
                    .message = std::move(message),
                    .hint = std::move(hint)});
  }

  /// The objects of a list, each with its pointer.
  template <class Read>
  void each(JsonFields& fields, const std::string& key, std::size_t most, const Read& read) {
    const Json* list = fields.child(key);
    if (!list) return;
    if (!list->is_array()) return fields.add("type", key, std::string("expected a list, not ") + list->type_name());
    if (list->size() > most)
      return fields.add("range", key,
                        std::to_string(list->size()) + " are too many: the limit is " + std::to_string(most));
    for (std::size_t i = 0; i < list->size() && has_room(out_); ++i)
      read((*list)[i], fields.pointer_to(key) + "/" + std::to_string(i));
  }

  /// A text that must not be in `seen`.
  std::string unique(JsonFields& fields, const std::string& key, Seen& seen, const std::string& code,
                     const std::string& hint) {
    fields.require(key);
    std::string text = fields.string(key, "");
    if (!fields.has(key)) return text;
    if (text.empty()) fields.add("range", key, "the text is empty");
    const auto [it, is_new] = seen.emplace(text, fields.pointer_to(key));
    if (!is_new) fields.add(code, key, quote(text) + " is already used at " + it->second, hint);
    return text;
  }
  std::string name(JsonFields& fields, Seen& seen) {
    std::string text = unique(fields, "name", seen, "name_taken", "use another name");
    if (!text.empty() && !is_name(text))
      fields.add("name", "name", "a name must have 1 to 64 letters, digits, '_', '-' and '.'",
                 "records write \"experiment/arm\", separated by spaces");
    return text;
  }
  std::string filled(JsonFields& fields, const std::string& key) {
    fields.require(key);
    std::string text = fields.string(key, "");
    if (fields.has(key) && text.empty()) fields.add("range", key, "the text is empty");
    return text;
  }

  void read_layer(const Json& json, const std::string& pointer) {
    JsonFields fields = object(json, pointer);
    Layer layer;
    layer.name = name(fields, layer_names_);
    layer.key = filled(fields, "key");
    layer.salt =
        unique(fields, "salt", layer_salts_, "salt_taken", "layers with the same salt and key are not independent");
    fields.finish();
    layers.push_back(std::move(layer));
  }

  void read_experiment(const Json& json, const std::string& pointer) {
    JsonFields fields = object(json, pointer);
    Experiment experiment;
    experiment.name = name(fields, experiment_names_);
    experiment.salt = unique(fields, "salt", experiment_salts_, "salt_taken",
                             "experiments with the same salt split their keys in the same way");
    read_layer_name(fields, experiment);
    read_buckets(fields, experiment);
    experiment.start_us = read_time(fields, "start", experiment.start_us);
    experiment.stop_us = read_time(fields, "stop", experiment.stop_us);
    if (experiment.start_us >= experiment.stop_us) fields.add("times", "stop", "the experiment stops before it starts");
    read_arms(fields, experiment);
    read_ramp(fields, experiment);
    fields.finish();
    experiments.push_back(std::move(experiment));
    check_overlap(pointer);
    check_shadow_layer(pointer);
  }

  void read_layer_name(JsonFields& fields, Experiment& experiment) {
    fields.require("layer");
    const std::string text = fields.string("layer", "");
    if (!fields.has("layer")) return;
    std::vector<std::string> names;
    for (const Layer& layer : layers) names.push_back(layer.name);
    const auto it = std::find(names.begin(), names.end(), text);
    experiment.layer = static_cast<std::size_t>(it - names.begin());
    if (it != names.end()) return;
    const std::string meant = nearest(text, names);
    fields.add("layer", "layer", "no layer " + quote(text),
               meant.empty() ? "name one of `layers`" : "did you mean \"" + meant + "\"?");
  }

  static void read_buckets(JsonFields& fields, Experiment& experiment) {
    fields.require("buckets");
    const std::vector<double> range = fields.numbers("buckets");
    if (range.empty() && !fields.has("buckets")) return;
    const auto is_bucket = [](double b) { return b >= 0 && b <= static_cast<double>(kBuckets) && b == std::floor(b); };
    if (range.size() != 2 || !is_bucket(range[0]) || !is_bucket(range[1]) || range[0] >= range[1])
      return fields.add("buckets", "buckets", "expected two whole numbers from 0 to 10000, the first below the second",
                        "[0, 2500] is the first quarter of the layer: buckets 0 to 2499");
    experiment.first_bucket = static_cast<std::int64_t>(range[0]);
    experiment.end_bucket = static_cast<std::int64_t>(range[1]);
  }

  std::int64_t read_time(JsonFields& fields, const std::string& key, std::int64_t otherwise) {
    const std::string text = fields.string(key, "");
    const Json* json = fields.child(key);
    if (!json || !json->is_string()) return otherwise;
    const auto spelt = rules::read_timestamp(text);
    if (!spelt.seconds) return fields.add("time", key, quote(text) + ": " + spelt.fault, spelt.hint), otherwise;
    return static_cast<std::int64_t>(std::llround(*spelt.seconds * 1e6));
  }

  /// The share in buckets; 0 after a diagnostic.
  std::int64_t to_buckets(double share, const std::string& pointer) {
    const double buckets = share * static_cast<double>(kBuckets);
    if (!(share >= 0 && share <= 1))
      add("range", pointer, number_text(share) + " is outside [0, 1]");
    else if (std::abs(buckets - std::round(buckets)) > 1e-6)
      add("share_grain", pointer, number_text(share) + " is not a multiple of 0.0001", "use at most four decimals");
    else
      return std::llround(buckets);
    return 0;
  }
  void check_sum(const std::vector<std::int64_t>& shares, std::size_t n_faults, const std::string& pointer) {
    std::int64_t sum = 0;
    for (const std::int64_t share : shares) sum += share;
    if (sum != kBuckets && out_.size() == n_faults)
      add("share_sum", pointer,
          "the shares add up to " + number_text(static_cast<double>(sum) / kBuckets) + ", not to 1");
  }

  void read_arms(JsonFields& fields, Experiment& experiment) {
    fields.require("arms");
    Seen names;
    RampStep first{experiment.start_us, {}};
    const std::size_t n_faults = out_.size();
    each(fields, "arms", kMaxArms, [&](const Json& json, const std::string& pointer) {
      JsonFields arm_fields = object(json, pointer);
      const bool is_first = experiment.arms.empty();
      Arm arm{name(arm_fields, names), read_challenger(arm_fields, is_first)};
      if (arm_fields.boolean("shadow", false)) {
        take_shadow(arm_fields, std::move(arm), is_first, experiment);
      } else {
        arm_fields.require("share");
        first.shares.push_back(to_buckets(arm_fields.number("share", 0), arm_fields.pointer_to("share")));
        experiment.arms.push_back(std::move(arm));
      }
      arm_fields.finish();
    });
    if (fields.has("arms") && experiment.arms.empty() && out_.size() == n_faults)
      fields.add("no_arm", "arms", "an experiment needs at least a champion");
    if (!experiment.arms.empty()) check_sum(first.shares, n_faults, fields.pointer_to("arms"));
    experiment.steps.push_back(std::move(first));
  }

  void take_shadow(JsonFields& fields, Arm arm, bool is_first, Experiment& experiment) {
    if (is_first) fields.add("champion", "shadow", "the first arm is the champion and cannot be a shadow");
    if (fields.child("share")) fields.add("shadow_share", "share", "a shadow never acts and cannot have a share");
    if (experiment.shadow)
      fields.add("second_shadow", "shadow", "the experiment already has a shadow: " + quote(experiment.shadow->name),
                 "a record can store one shadow's result");
    else
      experiment.shadow = std::move(arm);
  }

  std::optional<Challenger> read_challenger(JsonFields& fields, bool is_first) {
    const Json* json = fields.child("challenger");
    if (is_first && json)
      fields.add("champion", "challenger", "the first arm is the champion and cannot have a challenger");
    if (!is_first) fields.require("challenger");
    if (!json) return std::nullopt;
    JsonFields challenger = object(*json, fields.pointer_to("challenger"));
    challenger.require("kind");
    const std::string kind = challenger.word("kind", "bundle", {"policy", "rules", "bundle"});
    const std::string ref = filled(challenger, "ref");
    challenger.finish();
    return Challenger{kind == "policy"  ? ChallengerKind::policy
                      : kind == "rules" ? ChallengerKind::rules
                                        : ChallengerKind::bundle,
                      ref};
  }

  void read_ramp(JsonFields& fields, Experiment& experiment) {
    each(fields, "ramp", kMaxSteps, [&](const Json& json, const std::string& pointer) {
      JsonFields step_fields = object(json, pointer);
      step_fields.require("from");
      step_fields.require("shares");
      const std::size_t n_faults = out_.size();
      const RampStep& before = experiment.steps.back();
      RampStep step{read_time(step_fields, "from", before.from_us), {}};
      if (step_fields.has("from") && out_.size() == n_faults &&
          (step.from_us <= before.from_us || step.from_us >= experiment.stop_us))
        step_fields.add("ramp_order", "from",
                        "a step must begin after the previous one and before the experiment stops");
      const std::vector<double> shares = step_fields.numbers("shares");
      for (std::size_t i = 0; i < shares.size() && has_room(out_); ++i)
        step.shares.push_back(to_buckets(shares[i], step_fields.pointer_to("shares") + "/" + std::to_string(i)));
      if (step_fields.has("shares") && out_.size() == n_faults && shares.size() != experiment.arms.size())
        step_fields.add("shares", "shares",
                        "expected one share per acting arm: " + std::to_string(experiment.arms.size()) + ", not " +
                            std::to_string(shares.size()));
      else
        check_sum(step.shares, n_faults, step_fields.pointer_to("shares"));
      step_fields.finish();
      experiment.steps.push_back(std::move(step));
    });
  }

  void check_overlap(const std::string& pointer) {
    const Experiment& last = experiments.back();
    for (std::size_t e = 0; e + 1 < experiments.size(); ++e)
      if (experiments[e].layer == last.layer && experiments[e].first_bucket < last.end_bucket &&
          last.first_bucket < experiments[e].end_bucket)
        add("overlap", pointer + "/buckets",
            "experiment " + quote(experiments[e].name) + " already uses some of these buckets",
            "experiments of one layer exclude each other; put independent ones into separate layers");
  }

  void check_shadow_layer(const std::string& pointer) {
    const Experiment& last = experiments.back();
    if (!last.shadow) return;
    for (std::size_t e = 0; e + 1 < experiments.size(); ++e)
      if (experiments[e].shadow && experiments[e].layer != last.layer)
        return add("second_shadow", pointer + "/arms",
                   "experiment " + quote(experiments[e].name) + " of another layer also has a shadow",
                   "a record can store one shadow's result: keep shadows in one layer");
  }

  std::string source_;
  std::vector<Diagnostic>& out_;
  Seen layer_names_, layer_salts_, experiment_names_, experiment_salts_;
};

}  // namespace

ExperimentCheck check_experiments(std::string_view text, std::string_view source) {
  ExperimentCheck check;
  try {
    const Json json = parse_json(text, source, "experiment.json");
    PlanReader reader(std::string(source), check.diagnostics);
    reader.read(json);
    tell_of_more(check.diagnostics, std::string(source), "experiment");
    if (!has_errors(check.diagnostics))
      check.plan = ExperimentPlan(reader.version, std::move(reader.layers), std::move(reader.experiments));
  } catch (const Error& e) {
    check.diagnostics.push_back(to_diagnostic(e, std::string(source)));
  }
  return check;
}

ExperimentPlan parse_experiments(std::string_view json, std::string_view source) {
  ExperimentCheck check = check_experiments(json, source);
  throw_if_errors(check.diagnostics);
  return std::move(*check.plan);
}

}  // namespace sluice::experiment
