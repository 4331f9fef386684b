#include "sluice/audit/decision_record.h"
#include "sluice/audit/log/bytes.h"

namespace sluice::audit {
namespace {

using cascade::Action;
using cascade::Cause;
using cascade::Level;

Digest get_digest(ByteReader& in) {
  Digest digest;
  std::memcpy(digest.bytes.data(), in.take(digest.bytes.size()).data(), digest.bytes.size());
  return digest;
}

Action get_action(ByteReader& in) { return Action(in.small(static_cast<std::uint8_t>(Action::decline), "action")); }
Level get_level(ByteReader& in) { return Level(in.small(static_cast<std::uint8_t>(Level::L3), "level")); }
Cause get_cause(ByteReader& in) { return Cause(in.small(static_cast<std::uint8_t>(Cause::rules_undecided), "cause")); }

std::vector<double> get_cells(ByteReader& in) {
  const std::size_t n = in.get<std::uint32_t>();
  const std::string_view present = in.take((n + 7) / 8);
  if (n % 8 != 0 && static_cast<unsigned char>(present.back()) >> (n % 8) != 0)
    in.fail("record.value", "the mask marks cells beyond the last");
  std::vector<double> cells(n, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t c = 0; c < n; ++c)
    if (present[c / 8] >> (c % 8) & 1)
      if (std::isnan(cells[c] = in.number())) in.fail("record.value", "a cell marked as present is NaN");
  return cells;
}

cascade::StageScore get_score(ByteReader& in) {
  const float margin = in.number32();
  return {margin, in.number(), true};
}

std::vector<std::string> get_rules(ByteReader& in) {
  std::vector<std::string> ids(in.small(rules::RuleList::kCapacity, "number of rules"));
  for (auto& id : ids) id = in.text();
  return ids;
}

PhaseOutcome get_phase(ByteReader& in) {
  PhaseOutcome phase;
  phase.undecided = in.small(1, "undecided") != 0;
  phase.n_fired = in.get<std::uint16_t>();
  phase.n_missing = in.get<std::uint16_t>();
  phase.decisive = in.text();
  phase.reason = in.text();
  phase.fired = get_rules(in);
  phase.missing = get_rules(in);
  return phase;
}

}  // namespace

RecordHead decode_head(std::string_view bytes) {
  ByteReader in(bytes);
  RecordHead head;
  head.subject = in.get<std::uint64_t>();
  head.time_in_us = in.get<std::int64_t>();
  head.time_out_us = in.get<std::int64_t>();
  head.bundle = get_digest(in);
  head.policy_version = in.get<std::int64_t>();
  head.id = in.text();
  head.kernel = in.text();
  head.arm = in.text();
  if (in.small(1, "shadow") != 0) {
    ShadowResult& shadow = head.shadow.emplace();
    shadow.bundle = get_digest(in);
    shadow.action = get_action(in);
    shadow.level = get_level(in);
    shadow.margin_forest = in.number32();
    shadow.margin_network = in.number32();
    shadow.p_final = in.number();
  }
  in.finish();
  return head;
}

RecordInputs decode_inputs(std::string_view bytes) {
  ByteReader in(bytes);
  RecordInputs inputs;
  inputs.row = get_cells(in);
  if (in.small(1, "late_fetched") != 0) {
    inputs.late = get_cells(in);
    if (inputs.late->size() > kMaxLateColumns) in.fail("record.value", "too many late columns");
  }
  in.finish();
  return inputs;
}

RecordOutcome decode_outcome(std::string_view bytes) {
  ByteReader in(bytes);
  RecordOutcome out;
  out.action = get_action(in);
  out.level = get_level(in);
  out.cause = get_cause(in);
  out.rules_cause = get_cause(in);
  const auto path = in.small((1 << cascade::kStageCount) - 1, "path");
  for (std::size_t stage = 0; stage < out.path.size(); ++stage) out.path[stage] = path >> stage & 1;
  const auto flags = in.small(63, "flags");
  out.in_band = flags & 1;
  if ((flags & 24) == 16) in.fail("record.value", "the flags have a closed band without a band");
  if ((flags & 40) == 32) in.fail("record.value", "the flags have a gain without a band");
  if (flags & 8) {
    const double low = in.number(), high = in.number();
    out.band = cascade::Band{low, high, (flags & 16) != 0};
  }
  if (flags & 32) {
    out.band->min_gain = in.number();
    out.gain = in.number32();
  }
  if (flags & 2) out.forest = get_score(in);
  if (flags & 4) {
    out.network = get_score(in);
    out.device = in.text();
  }
  out.p_final = in.number();
  for (auto& phase : out.phases) phase = get_phase(in);
  out.reasons.resize(in.get<std::uint16_t>());
  for (auto& reason : out.reasons) {
    reason.code = in.text();
    reason.feature = in.text();
    reason.phi = in.number();
  }
  in.finish();
  return out;
}

DecisionRecord decode(std::string_view bytes) {
  const RecordParts parts = split(bytes);
  DecisionRecord record{decode_head(parts.head), decode_inputs(parts.inputs), decode_outcome(parts.outcome), {}};
  ByteReader in(parts.timings);
  record.timings_us.forest = in.number32();
  record.timings_us.network = in.number32();
  record.timings_us.total = in.number32();
  return record;
}

}  // namespace sluice::audit
