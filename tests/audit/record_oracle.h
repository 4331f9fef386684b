#pragma once
/// Writes a record's bytes from its decoded fields in the plainest way, following only docs/record_format.md.

#include <bit>
#include <cmath>
#include <string>

#include "sluice/audit/decision_record.h"

namespace sluice::test {

class PlainBytes {
 public:
  void integer(std::uint64_t value, int n_bytes) {
    for (int i = 0; i < n_bytes; ++i) bytes += static_cast<char>(value >> (8 * i) & 255);
  }
  void f64(double v) { integer(std::isnan(v) ? 0x7ff8000000000000u : std::bit_cast<std::uint64_t>(v), 8); }
  void f32(float v) { integer(std::isnan(v) ? 0x7fc00000u : std::bit_cast<std::uint32_t>(v), 4); }
  void text(const std::string& text) {
    integer(text.size(), 2);
    bytes += text;
  }
  void digest(const Digest& digest) {
    for (const auto byte : digest.bytes) integer(byte, 1);
  }
  void cells(const std::vector<double>& cells) {
    integer(cells.size(), 4);
    std::string mask((cells.size() + 7) / 8, '\0');
    for (std::size_t c = 0; c < cells.size(); ++c)
      if (!std::isnan(cells[c])) mask[c / 8] = static_cast<char>(mask[c / 8] | 1 << (c % 8));
    bytes += mask;
    for (const double cell : cells)
      if (!std::isnan(cell)) f64(cell);
  }

  std::string bytes;
};

inline std::string plain_head(const audit::RecordHead& head) {
  PlainBytes out;
  out.integer(head.subject, 8);
  out.integer(static_cast<std::uint64_t>(head.time_in_us), 8);
  out.integer(static_cast<std::uint64_t>(head.time_out_us), 8);
  out.digest(head.bundle);
  out.integer(static_cast<std::uint64_t>(head.policy_version), 8);
  for (const auto* text : {&head.id, &head.kernel, &head.arm}) out.text(*text);
  out.integer(head.shadow.has_value(), 1);
  if (!head.shadow) return out.bytes;
  out.digest(head.shadow->bundle);
  out.integer(static_cast<std::uint64_t>(head.shadow->action), 1);
  out.integer(static_cast<std::uint64_t>(head.shadow->level), 1);
  out.f32(head.shadow->margin_forest);
  out.f32(head.shadow->margin_network);
  out.f64(head.shadow->p_final);
  return out.bytes;
}

inline std::string plain_inputs(const audit::RecordInputs& inputs) {
  PlainBytes out;
  out.cells(inputs.row);
  out.integer(inputs.late.has_value(), 1);
  if (inputs.late) out.cells(*inputs.late);
  return out.bytes;
}

inline std::string plain_outcome(const audit::RecordOutcome& outcome) {
  PlainBytes out;
  out.integer(static_cast<std::uint64_t>(outcome.action), 1);
  out.integer(static_cast<std::uint64_t>(outcome.level), 1);
  out.integer(static_cast<std::uint64_t>(outcome.cause), 1);
  out.integer(static_cast<std::uint64_t>(outcome.rules_cause), 1);
  unsigned path = 0;
  for (std::size_t s = 0; s < outcome.path.size(); ++s) path += outcome.path[s] ? 1u << s : 0;
  out.integer(path, 1);
  const auto& band = outcome.band;
  out.integer((outcome.in_band ? 1 : 0) + (outcome.forest.ran ? 2 : 0) + (outcome.network.ran ? 4 : 0) +
                  (band ? 8 : 0) + (band && band->closed ? 16 : 0) + (band && band->min_gain ? 32 : 0),
              1);
  if (band) {
    out.f64(band->low);
    out.f64(band->high);
    if (band->min_gain) {
      out.f64(*band->min_gain);
      out.f32(outcome.gain);
    }
  }
  for (const auto* stage : {&outcome.forest, &outcome.network})
    if (stage->ran) {
      out.f32(stage->margin);
      out.f64(stage->p);
      if (stage == &outcome.network) out.text(outcome.device);
    }
  out.f64(outcome.p_final);
  for (const auto& phase : outcome.phases) {
    out.integer(phase.undecided, 1);
    out.integer(phase.n_fired, 2);
    out.integer(phase.n_missing, 2);
    out.text(phase.decisive);
    out.text(phase.reason);
    for (const auto* ids : {&phase.fired, &phase.missing}) {
      out.integer(ids->size(), 1);
      for (const auto& id : *ids) out.text(id);
    }
  }
  out.integer(outcome.reasons.size(), 2);
  for (const auto& reason : outcome.reasons) {
    out.text(reason.code);
    out.text(reason.feature);
    out.f64(reason.phi);
  }
  return out.bytes;
}

inline std::string plain_record(const audit::DecisionRecord& record) {
  const std::string parts[] = {plain_head(record.head), plain_inputs(record.inputs), plain_outcome(record.outcome)};
  PlainBytes out;
  out.integer(1, 4);
  for (const auto& part : parts) out.integer(part.size(), 4);
  for (const auto& part : parts) out.bytes += part;
  for (const float us : {record.timings_us.forest, record.timings_us.network, record.timings_us.total}) out.f32(us);
  return out.bytes;
}

}  // namespace sluice::test
