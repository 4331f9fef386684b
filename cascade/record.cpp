#include "sluice/cascade/record.h"

#include <array>
#include <cmath>

#include "sluice/base/json_text.h"
#include "sluice/cascade/record_parts.h"

namespace sluice::cascade {
namespace {

struct PhaseOutcome {
  const std::optional<rules::RuleSet>& rules;
  const rules::Outcome& outcome;
};

/// The three phases in the order in which they run.
std::array<PhaseOutcome, 3> phases(const Bundle& b, const Decision& d) {
  return {{{b.pre, d.pre}, {b.fallback, d.fallback}, {b.post, d.post}}};
}

void put_rules(JsonText& json, const Bundle& bundle, const Decision& d) {
  json.key("rules").open('{').key("fired").open('[');
  for (const auto& [rules, outcome] : phases(bundle, d))
    for (const auto rule : outcome.fired) json.value(std::string_view(rules->rule(rule).id));
  json.close(']').key("missing").open('[');
  for (const auto& [rules, outcome] : phases(bundle, d))
    for (const auto rule : outcome.missing) json.value(std::string_view(rules->rule(rule).id));
  json.close(']');
  // Totals are added only if the lists above are truncated.
  const int n_fired = d.pre.n_fired + d.fallback.n_fired + d.post.n_fired,
            n_missing = d.pre.n_missing + d.fallback.n_missing + d.post.n_missing;
  if (n_fired > static_cast<int>(d.pre.fired.size() + d.fallback.fired.size() + d.post.fired.size()))
    json.field("n_fired", n_fired);
  if (n_missing > static_cast<int>(d.pre.missing.size() + d.fallback.missing.size() + d.post.missing.size()))
    json.field("n_missing", n_missing);
  json.close('}');
}

void put_reasons(JsonText& json, const Bundle& bundle, const Decision& d, std::span<const Reason> reasons) {
  json.key("reasons").open('[');
  for (const auto& [rules, outcome] : phases(bundle, d))
    if (outcome.decisive != rules::kNoRule) {
      const auto& rule = rules->rule(outcome.decisive);
      put_reason(json, rule.reason, rule.id);
    }
  for (const Reason& reason : reasons) put_reason(json, reason);
  json.close(']');
}

/// Numbers as numbers, words as strings, missing as null. Late columns have the values that the network read.
void put_inputs(JsonText& json, const Bundle& bundle, const Decision& d, RowView row) {
  json.key("inputs").open('{');
  const auto late = bundle.schema.late_columns();
  for (std::size_t c = 0, next_late = 0; c < row.size(); ++c) {
    double cell = row[c];
    if (next_late < late.size() && late[next_late] == c) {
      if (d.late_fetched) cell = d.late[next_late];
      ++next_late;
    }
    const Column& column = bundle.schema[c];
    json.key(column.name);
    if (column.kind == Kind::category && cell == cell)
      json.value(std::string_view(bundle.schema.format_cell(c, cell)));
    else
      put_cell(json, cell);
  }
  json.close('}');
}

}  // namespace

void append_record(std::string& out, const Bundle& bundle, const Decision& d, const RecordContext& context) {
  JsonText json(out);
  json.open('{')
      .text_or_null("id", context.id)
      .field("bundle", "sha256:" + bundle.digest.hex())
      .field("policy_version", bundle.policy.version)
      .field("row", context.row);
  json.field("action", rules::to_string(d.action));
  put_path(json, d.path);
  json.field("level", to_string(d.level)).text_or_null("cause", to_string(d.cause));
  if (d.rules_cause != Cause::none) json.field("rules_cause", to_string(d.rules_cause));
  put_stage(json, "forest", d.forest, {});
  put_band(json, bundle.policy.band, d.in_band, d.gain);
  put_stage(json, "network", d.network, d.device.view());
  json.field("p_final", d.p_final);
  put_rules(json, bundle, d);
  put_reasons(json, bundle, d, context.reasons);
  json.key("timings_us")
      .open('{')
      .field("forest", d.timings_us.forest)
      .field("network", d.timings_us.network)
      .field("total", d.timings_us.total)
      .close('}');
  if (!context.inputs.empty()) put_inputs(json, bundle, d, context.inputs);
  json.close('}');
}

void append_path(std::string& out, const Decision& d) {
  bool first = true;
  for (const Stage stage : kStagesInOrder) {
    if (!d.took(stage)) continue;
    if (!first) out += '>';
    out += to_string(stage);
    first = false;
  }
}

void append_reason_codes(std::string& out, const Bundle& bundle, const Decision& d, std::span<const Reason> reasons) {
  const std::size_t start = out.size();
  const auto add = [&](std::string_view code) {
    if (out.size() > start) out += '|';
    out += code;
  };
  for (const auto& [rules, outcome] : phases(bundle, d))
    if (outcome.decisive != rules::kNoRule) add(rules->rule(outcome.decisive).reason);
  for (const Reason& reason : reasons) add(reason.code);
}

}  // namespace sluice::cascade
