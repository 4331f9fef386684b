#include "sluice/audit/decision_record.h"

#include <cstring>

#include "sluice/audit/log/bytes.h"
#include "sluice/base/diagnostic.h"
#include "sluice/base/utf8.h"

namespace sluice::audit {
namespace {

using cascade::Bundle;
using cascade::Decision;

/// Version and lengths of three parts: four 32-bit words, written when the lengths are known.
constexpr std::size_t kPreamble = 16;

enum OutcomeFlag : std::uint8_t {
  kInBand = 1,
  kForestRan = 2,
  kNetworkRan = 4,
  kHasBand = 8,
  kBandClosed = 16,
  kAsksGain = 32
};

void put_digest(ByteWriter& out, const Digest& digest) { out.bytes(digest.bytes.data(), digest.bytes.size()); }

void require_utf8(std::string_view text) {
  if (!is_utf8(text)) throw Error("record.text", "the text " + quote(text) + " is not UTF-8");
}

void put_head(ByteWriter& out, const Bundle& bundle, const DecisionContext& context) {
  out.put(context.subject).put(context.time_in_us).put(context.time_out_us);
  put_digest(out, bundle.digest);
  for (const std::string_view text : {context.id, context.kernel, context.arm}) require_utf8(text);
  out.put(bundle.policy.version).text(context.id).text(context.kernel).text(context.arm);
  out.put(static_cast<std::uint8_t>(context.shadow != nullptr));
  if (!context.shadow) return;
  const ShadowResult& shadow = *context.shadow;
  put_digest(out, shadow.bundle);
  out.put(static_cast<std::uint8_t>(shadow.action)).put(static_cast<std::uint8_t>(shadow.level));
  out.put(shadow.margin_forest).put(shadow.margin_network).put(shadow.p_final);
}

/// Writes the number of cells, which of them are present (one bit per cell, the lowest first), and the present ones.
void put_cells(ByteWriter& out, std::span<const double> cells) {
  out.put(static_cast<std::uint32_t>(cells.size()));
  for (std::size_t first = 0; first < cells.size(); first += 8) {
    std::uint8_t present = 0;
    for (std::size_t c = first; c < std::min(first + 8, cells.size()); ++c)
      present |= static_cast<std::uint8_t>(!std::isnan(cells[c]) << (c - first));
    out.put(present);
  }
  for (const double cell : cells)
    if (!std::isnan(cell)) out.put(cell);
}

void put_inputs(ByteWriter& out, const Bundle& bundle, const Decision& d, RowView row) {
  put_cells(out, row);
  out.put(static_cast<std::uint8_t>(d.late_fetched));
  if (d.late_fetched) put_cells(out, {d.late.data(), bundle.schema.late_columns().size()});
}

void put_rules(ByteWriter& out, const std::optional<rules::RuleSet>& rules, const rules::Outcome& outcome) {
  out.put(static_cast<std::uint8_t>(outcome.undecided)).put(outcome.n_fired).put(outcome.n_missing);
  const rules::Rule* decisive = outcome.decisive == rules::kNoRule ? nullptr : &rules->rule(outcome.decisive);
  out.text(decisive ? std::string_view(decisive->id) : "").text(decisive ? std::string_view(decisive->reason) : "");
  for (const rules::RuleList* list : {&outcome.fired, &outcome.missing}) {
    out.put(static_cast<std::uint8_t>(list->size()));
    for (const auto rule : *list) out.text(rules->rule(rule).id);
  }
}

std::uint8_t path_bits(const Decision& d) {
  unsigned bits = 0;
  for (std::size_t stage = 0; stage < d.path.size(); ++stage) bits |= static_cast<unsigned>(d.path[stage]) << stage;
  return static_cast<std::uint8_t>(bits);
}

std::uint8_t outcome_flags(const std::optional<cascade::Band>& band, const Decision& d) {
  unsigned flags = 0;
  if (d.in_band) flags |= kInBand;
  if (d.forest.ran) flags |= kForestRan;
  if (d.network.ran) flags |= kNetworkRan;
  if (band) flags |= kHasBand;
  if (band && band->closed) flags |= kBandClosed;
  if (band && band->min_gain) flags |= kAsksGain;
  return static_cast<std::uint8_t>(flags);
}

}  // namespace

void encode_outcome(std::string& bytes, const Bundle& bundle, const Decision& d,
                    std::span<const cascade::Reason> reasons) {
  ByteWriter out(bytes);
  for (const std::uint8_t word :
       {static_cast<std::uint8_t>(d.action), static_cast<std::uint8_t>(d.level), static_cast<std::uint8_t>(d.cause),
        static_cast<std::uint8_t>(d.rules_cause), path_bits(d), outcome_flags(bundle.policy.band, d)})
    out.put(word);
  if (const auto& band = bundle.policy.band) {
    out.put(band->low).put(band->high);
    if (band->min_gain) out.put(*band->min_gain).put(d.gain);
  }
  if (d.forest.ran) out.put(d.forest.margin).put(d.forest.p);
  if (d.network.ran) out.put(d.network.margin).put(d.network.p).text(d.device.view());
  out.put(d.p_final);
  put_rules(out, bundle.pre, d.pre);
  put_rules(out, bundle.fallback, d.fallback);
  put_rules(out, bundle.post, d.post);
  if (reasons.size() > kMaxText)
    throw Error("record.reasons", std::to_string(reasons.size()) + " reasons; a record stores at most 65,535");
  out.put(static_cast<std::uint16_t>(reasons.size()));
  for (const auto& reason : reasons) out.text(reason.code).text(reason.feature).put(reason.phi);
}

void encode(std::string& bytes, const Bundle& bundle, const Decision& d, const DecisionContext& context) {
  if (context.row.size() != bundle.schema.size())
    throw Error("record.row", "a row of " + std::to_string(context.row.size()) + " columns; the bundle's schema has " +
                                  std::to_string(bundle.schema.size()));
  const std::size_t start = bytes.size();
  bytes.append(kPreamble, '\0');
  ByteWriter out(bytes);
  put_head(out, bundle, context);
  const std::size_t inputs_at = bytes.size();
  put_inputs(out, bundle, d, context.row);
  const std::size_t outcome_at = bytes.size();
  encode_outcome(bytes, bundle, d, context.reasons);
  const std::size_t timings_at = bytes.size();
  out.put(d.timings_us.forest).put(d.timings_us.network).put(d.timings_us.total);

  const std::uint32_t preamble[] = {kRecordVersion, static_cast<std::uint32_t>(inputs_at - start - kPreamble),
                                    static_cast<std::uint32_t>(outcome_at - inputs_at),
                                    static_cast<std::uint32_t>(timings_at - outcome_at)};
  static_assert(sizeof preamble == kPreamble);
  std::memcpy(bytes.data() + start, preamble, kPreamble);
}

RecordParts split(std::string_view bytes) {
  ByteReader in(bytes);
  if (const auto version = in.get<std::uint32_t>(); version != kRecordVersion)
    in.fail("record.version", "record format " + std::to_string(version) + "; this program reads format 1");
  const auto head = in.get<std::uint32_t>(), inputs = in.get<std::uint32_t>(), outcome = in.get<std::uint32_t>();
  RecordParts parts;
  parts.head = in.take(head);
  parts.inputs = in.take(inputs);
  parts.outcome = in.take(outcome);
  parts.timings = in.take(3 * sizeof(float));
  in.finish();
  return parts;
}

ShadowResult shadow_result(const cascade::Bundle& bundle, const cascade::Decision& d) {
  return {bundle.digest, d.action, d.level, d.forest.margin, d.network.margin, d.p_final};
}

}  // namespace sluice::audit
