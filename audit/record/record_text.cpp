#include <cmath>

#include "sluice/audit/decision_record.h"
#include "sluice/base/json_text.h"
#include "sluice/base/number.h"
#include "sluice/cascade/record_parts.h"

namespace sluice::audit {
namespace {

using cascade::Cause;
using cascade::Stage;

/// Sixteen digits, as a string: most readers parse JSON numbers as doubles.
std::string hexadecimal(std::uint64_t value) {
  std::string text(16, '0');
  for (std::size_t digit = 16; digit-- > 0; value >>= 4) text[digit] = "0123456789abcdef"[value & 15];
  return text;
}

void put_head(JsonText& json, const RecordHead& head) {
  json.text_or_null("id", head.id);
  json.field("bundle", "sha256:" + head.bundle.hex())
      .field("policy_version", head.policy_version)
      .field("subject", hexadecimal(head.subject))
      .field("time_in_us", head.time_in_us)
      .field("time_out_us", head.time_out_us);
  json.text_or_null("kernel", head.kernel);
  json.text_or_null("arm", head.arm);
  if (!head.shadow) return;
  const ShadowResult& shadow = *head.shadow;
  json.key("shadow")
      .open('{')
      .field("bundle", "sha256:" + shadow.bundle.hex())
      .field("action", rules::to_string(shadow.action))
      .field("level", to_string(shadow.level))
      .field("margin_forest", shadow.margin_forest)
      .field("margin_network", shadow.margin_network)
      .field("p_final", shadow.p_final)
      .close('}');
}

void put_rules(JsonText& json, const RecordOutcome& outcome) {
  json.key("rules").open('{').key("fired").open('[');
  for (const auto& phase : outcome.phases)
    for (const auto& id : phase.fired) json.value(std::string_view(id));
  json.close(']').key("missing").open('[');
  for (const auto& phase : outcome.phases)
    for (const auto& id : phase.missing) json.value(std::string_view(id));
  json.close(']').close('}');
}

void put_reasons(JsonText& json, const RecordOutcome& outcome) {
  json.key("reasons").open('[');
  for (const auto& phase : outcome.phases)
    if (!phase.decisive.empty()) cascade::put_reason(json, phase.reason, phase.decisive);
  for (const auto& reason : outcome.reasons) cascade::put_reason(json, reason);
  json.close(']');
}

void put_inputs(JsonText& json, const RecordInputs& inputs, const Schema* schema) {
  const bool named = schema && schema->size() == inputs.row.size();
  json.key("inputs").open(named ? '{' : '[');
  for (std::size_t c = 0; c < inputs.row.size(); ++c) {
    const double cell = inputs.row[c];
    if (named) json.key((*schema)[c].name);
    if (named && (*schema)[c].kind == Kind::category && !std::isnan(cell))
      json.value(std::string_view(schema->format_cell(c, cell)));
    else
      cascade::put_cell(json, cell);
  }
  json.close(named ? '}' : ']');
  if (!inputs.late) return;
  json.key("late").open('[');
  for (const double cell : *inputs.late) cascade::put_cell(json, cell);
  json.close(']');
}

void put_outcome(JsonText& json, const RecordOutcome& outcome) {
  json.field("action", rules::to_string(outcome.action));
  cascade::put_path(json, outcome.path);
  json.field("level", to_string(outcome.level));
  json.text_or_null("cause", to_string(outcome.cause));
  if (outcome.rules_cause != Cause::none) json.field("rules_cause", to_string(outcome.rules_cause));
  cascade::put_stage(json, "forest", outcome.forest, {});
  cascade::put_band(json, outcome.band, outcome.in_band, outcome.gain);
  cascade::put_stage(json, "network", outcome.network, outcome.device);
  json.field("p_final", outcome.p_final);
  put_rules(json, outcome);
  put_reasons(json, outcome);
}

template <class T>
bool same_bits(T a, T b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

std::string joined(const std::vector<std::string>& ids) {
  std::string text;
  for (const auto& id : ids) text += (text.empty() ? "" : ",") + id;
  return "[" + text + "]";
}

std::string path_text(const RecordOutcome& outcome) {
  std::string text;
  for (std::size_t stage = 0; stage < outcome.path.size(); ++stage)
    if (outcome.path[stage]) text += std::string(text.empty() ? "" : ">") + to_string(static_cast<Stage>(stage));
  return text;
}

std::string reasons_text(const RecordOutcome& outcome) {
  std::string text;
  for (const auto& reason : outcome.reasons)
    text += (text.empty() ? "" : "|") + reason.code + ":" + reason.feature + ":" + number_text(reason.phi);
  return text;
}

/// Compares fields in the order of the calls and keeps the first difference.
class Comparison {
 public:
  void text(const std::string& name, const std::string& then, const std::string& now) {
    if (found_.empty() && then != now) found_ = name + " " + then + " then, " + now + " now";
  }
  template <class T>
  void number(const std::string& name, T then, T now) {
    if (!same_bits(then, now)) text(name, number_text(then), number_text(now) + (then == now ? " (sign)" : ""));
  }
  std::string found() const { return found_; }

 private:
  std::string found_;
};

}  // namespace

void append_json(std::string& out, const DecisionRecord& record, const Schema* schema) {
  JsonText json(out);
  json.open('{');
  put_head(json, record.head);
  put_outcome(json, record.outcome);
  json.key("timings_us")
      .open('{')
      .field("forest", record.timings_us.forest)
      .field("network", record.timings_us.network)
      .field("total", record.timings_us.total)
      .close('}');
  put_inputs(json, record.inputs, schema);
  json.close('}');
}

std::string difference(const RecordOutcome& then, const RecordOutcome& now) {
  Comparison compare;
  compare.number("margin_forest", then.forest.margin, now.forest.margin);
  compare.number("margin_network", then.network.margin, now.network.margin);
  compare.number("p_forest", then.forest.p, now.forest.p);
  compare.number("p_network", then.network.p, now.network.p);
  compare.number("p_final", then.p_final, now.p_final);
  compare.text("level", to_string(then.level), to_string(now.level));
  compare.text("cause", to_string(then.cause), to_string(now.cause));
  compare.text("rules_cause", to_string(then.rules_cause), to_string(now.rules_cause));
  compare.text("path", path_text(then), path_text(now));
  compare.text("action", rules::to_string(then.action), rules::to_string(now.action));
  static constexpr const char* kPhases[] = {"pre", "fallback", "post"};
  for (std::size_t p = 0; p < then.phases.size(); ++p) {
    const std::string phase = std::string("rules.") + kPhases[p];
    compare.number(phase + ".undecided", double(then.phases[p].undecided), double(now.phases[p].undecided));
    compare.text(phase + ".decisive", then.phases[p].decisive, now.phases[p].decisive);
    compare.text(phase + ".reason", then.phases[p].reason, now.phases[p].reason);
    compare.text(phase + ".fired", joined(then.phases[p].fired), joined(now.phases[p].fired));
    compare.text(phase + ".missing", joined(then.phases[p].missing), joined(now.phases[p].missing));
    compare.number(phase + ".n_fired", double(then.phases[p].n_fired), double(now.phases[p].n_fired));
    compare.number(phase + ".n_missing", double(then.phases[p].n_missing), double(now.phases[p].n_missing));
  }
  compare.text("reasons", reasons_text(then), reasons_text(now));
  compare.text("band", then.in_band ? "inside" : "outside", now.in_band ? "inside" : "outside");
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const cascade::Band none{}, &was = then.band ? *then.band : none, &is = now.band ? *now.band : none;
  compare.number("band.low", was.low, is.low);
  compare.number("band.high", was.high, is.high);
  compare.number("band.min_gain", was.min_gain.value_or(kNone), is.min_gain.value_or(kNone));
  compare.number("band.gain", then.gain, now.gain);
  return compare.found();
}

}  // namespace sluice::audit
