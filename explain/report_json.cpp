#include <array>
#include <cmath>

#include "sluice/base/json_text.h"
#include "sluice/base/version.h"
#include "sluice/explain/report.h"
#include "sluice/explain/report_facts.h"

namespace sluice::explain {
namespace {

using cascade::Decision;
using cascade::StageScore;

void put_stage(JsonText& json, const char* name, const StageScore& score) {
  json.key(name);
  if (!score.ran)
    json.null();
  else
    json.open('{').field("margin", score.margin).field("p", score.p).close('}');
}

void put_thresholds(JsonText& json, const cascade::Bundle& bundle, const Decision& d) {
  json.key("band");
  const auto& band = bundle.policy.band;
  if (!band || !d.forest.ran)
    json.null();
  else
    json.open('{')
        .field("low", band->low)
        .field("high", band->high)
        .field("closed", band->closed)
        .field("min_gain", band->min_gain.value_or(std::nan("")))
        .field("gain", d.gain)
        .field("inside", d.in_band)
        .field("distance", nearest_band_edge(*band, d.forest.p).distance)
        .close('}');
  json.key("cutoffs");
  if (!d.forest.ran) {
    json.null();
    return;
  }
  const auto& cutoffs = cutoffs_of(bundle, d);
  const Edge edge = nearest_cutoff(cutoffs, d.p_final);
  json.open('{')
      .field("approve_below", cutoffs.approve_below)
      .field("decline_from", cutoffs.decline_from)
      .field("otherwise", rules::to_string(cutoffs.otherwise));
  json.field("nearest", edge.name).field("distance", edge.distance).close('}');
}

void put_decision(JsonText& json, const cascade::Bundle& bundle, const Decision& d) {
  json.field("action", rules::to_string(d.action)).field("level", to_string(d.level));
  json.text_or_null("cause", to_string(d.cause));
  json.text_or_null("rules_cause", to_string(d.rules_cause));
  json.field("served_by", std::string_view(served_by(d))).key("path").open('[');
  for (std::size_t s = 0; s < cascade::kStageCount; ++s)
    if (d.path[s]) json.value(to_string(static_cast<cascade::Stage>(s)));
  json.close(']');
  put_stage(json, "forest", d.forest);
  put_stage(json, "network", d.network);
  json.field("p_final", d.p_final);
  put_thresholds(json, bundle, d);
}

void put_cell(JsonText& json, const Schema& schema, std::size_t column, double cell) {
  json.key("value");
  if (schema[column].kind == Kind::category && !std::isnan(cell))
    json.value(std::string_view(schema.format_cell(column, cell)));
  else if (std::isinf(cell))
    json.value(cell > 0 ? "inf" : "-inf");
  else
    json.value(cell);
}

void put_attribution(JsonText& json, const Schema& schema, const Explanation& e) {
  if (!e.attribution) {
    for (const char* name : {"game", "method", "baselineOutputValue", "instanceOutputValue"}) json.key(name).null();
    json.key("featureAttributions").open('[').close(']');
    for (const char* name :
         {"approximationError", "n_permutations", "n_evaluations", "off_route_fraction", "background"})
      json.key(name).null();
    return;
  }
  const Attribution& a = *e.attribution;
  json.field("game", to_string(a.game))
      .field("method", to_string(a.method))
      .field("baselineOutputValue", a.base)
      .field("instanceOutputValue", a.output);
  json.key("featureAttributions").open('[');
  for (const std::size_t c : schema.network_columns()) {
    json.open('{').field("feature", std::string_view(schema[c].name));
    put_cell(json, schema, c, e.row[c]);
    json.field("phi", a.phi[c]).field("standardError", a.standard_error[c]).close('}');
  }
  json.close(']')
      .field("approximationError", std::abs(a.residual))
      .field("n_permutations", std::uint64_t{a.n_permutations});
  json.field("n_evaluations", std::uint64_t{a.n_evaluations})
      .field("off_route_fraction", a.off_route_fraction)
      .key("background");
  if (a.background.name.empty())
    json.null();
  else
    json.open('{')
        .field("name", std::string_view(a.background.name))
        .field("rows", std::uint64_t{a.background.n_rows})
        .field("sha256", std::string_view(a.background.digest.hex()))
        .close('}');
}

/// The rules that fired, and those whose condition was unknown.
void put_rules(JsonText& json, const cascade::Bundle& bundle, const Explanation& e) {
  static constexpr std::array<const char*, 3> kTruths = {"false", "true", "missing"};
  json.key("rules").open('[');
  for (const PhaseTrace& phase : e.phases) {
    const auto& rules = rules_of(bundle, phase.phase);
    const auto& outcome = phase.trace.outcome;
    json.open('{')
        .field("phase", to_string(phase.phase))
        .field("name", std::string_view(rules.name()))
        .field("version", rules.version());
    json.field("sha256", std::string_view(rules.digest().hex()))
        .field("action", rules::to_string(outcome.action))
        .field("undecided", outcome.undecided)
        .key("rules")
        .open('[');
    for (std::size_t i = 0; i < phase.trace.rules.size(); ++i) {
      const auto& trace = phase.trace.rules[i];
      if (trace.action == rules::Action::none && trace.truth != rules::Truth::missing) continue;
      const auto& rule = rules.rule(i);
      json.open('{')
          .field("id", std::string_view(rule.id))
          .field("when", std::string_view(rule.when))
          .field("truth", kTruths[static_cast<std::size_t>(trace.truth)]);
      json.field("action", rules::to_string(trace.action))
          .field("decisive", i == outcome.decisive)
          .field("reason", std::string_view(rule.reason))
          .field("description", std::string_view(rule.description));
      json.key("values").open('[');
      for (const auto& value : trace.values)
        json.open('{')
            .field("name", std::string_view(value.name))
            .field("text", std::string_view(value.text))
            .close('}');
      json.close(']').close('}');
    }
    json.close(']').close('}');
  }
  json.close(']');
}

/// The reasons of the deciding rules, then those of the attribution.
void put_reasons(JsonText& json, const cascade::Bundle& bundle, const Explanation& e) {
  json.key("reasons").open('[');
  for (const auto& [phase, rule] : deciding_rules(bundle, e)) {
    json.open('{')
        .field("code", std::string_view(rule.reason))
        .field("text", std::string_view(rule.description))
        .field("rule", std::string_view(rule.id))
        .key("feature")
        .null();
    json.field("phi", 0.0).field("missing", false).field("tied", false).key("columns").open('[').close(']').close('}');
  }
  for (const RankedReason& r : e.reasons) {
    json.open('{')
        .field("code", std::string_view(r.reason.code))
        .field("text", std::string_view(r.text))
        .key("rule")
        .null()
        .field("feature", std::string_view(r.reason.feature))
        .field("phi", r.reason.phi);
    json.field("missing", r.is_missing).field("tied", r.is_tied).key("columns").open('[');
    for (const std::size_t c : r.columns) json.value(std::string_view(bundle.schema[c].name));
    json.close(']').close('}');
  }
  json.close(']');
}

}  // namespace

std::string report_json(const Explainer& explainer, const Explanation& e, const ReportContext& context) {
  const cascade::Bundle& bundle = explainer.engine().bundle();
  const std::string inputs = inputs_json(bundle.schema, e.row);
  std::string out;
  JsonText json(out);
  json.open('{')
      .field("engine", std::string("sluice ") + version())
      .field("bundle", std::string_view("sha256:" + bundle.digest.hex()))
      .field("policy_version", bundle.policy.version);
  json.text_or_null("id", context.id);
  json.field("row", context.row);
  put_decision(json, bundle, e.decision);
  put_attribution(json, bundle.schema, e);
  put_reasons(json, bundle, e);
  put_rules(json, bundle, e);
  const auto& us = e.decision.timings_us;
  json.key("timings_us")
      .open('{')
      .field("forest", us.forest)
      .field("network", us.network)
      .field("total", us.total)
      .close('}');
  json.field("seed", explainer.seed())
      .field("inputs_sha256", std::string_view(sha256(inputs).hex()))
      .key("inputs")
      .raw(inputs)
      .close('}');
  out += '\n';
  return out;
}

}  // namespace sluice::explain
