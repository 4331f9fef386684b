#pragma once
/// DecisionRecord v1: the canonical bytes of one decision (docs/record_format.md), enough to explain the decision and
/// to reproduce it bit for bit.
///
/// One decision has one encoding, and bytes that decode re-encode to themselves: floats are stored as their bits, every
/// NaN as the canonical one, integers in little-endian order. `encode` allocates only if the caller's buffer must grow.
/// Thread-safety: the functions are pure and thread-safe; the structs are plain data.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/digest.h"
#include "sluice/bundle/bundle.h"
#include "sluice/cascade/decision.h"
#include "sluice/cascade/record.h"

namespace sluice::audit {

inline constexpr std::uint16_t kRecordVersion = 1;

/// The decision of another bundle for the same row, which was not acted on.
struct ShadowResult {
  Digest bundle;
  cascade::Action action = cascade::Action::none;
  cascade::Level level = cascade::Level::L0;
  float margin_forest = std::numeric_limits<float>::quiet_NaN();
  float margin_network = std::numeric_limits<float>::quiet_NaN();
  double p_final = std::numeric_limits<double>::quiet_NaN();
};

/// The result of a shadow's decision under `bundle` (cascade/rollout/shadow.h).
ShadowResult shadow_result(const cascade::Bundle& bundle, const cascade::Decision& decision);

/// What the record contains in addition to the decision.
struct DecisionContext {
  std::string_view id;        // the request's; may be empty
  std::uint64_t subject = 0;  // Log::subject_reference; 0 if there is none
  std::int64_t time_in_us = 0,
               time_out_us = 0;                // since 1970, by the caller's clock; no clock is read here
  std::string_view kernel;                     // that the forest ran on; may be empty
  std::string_view arm;                        // of an experiment; empty if there is none
  RowView row;                                 // raw, in schema order
  std::span<const cascade::Reason> reasons{};  // of an attribution; at most 65,535
  const ShadowResult* shadow = nullptr;
};

/// Appends the record to `out`. Throws Error{record.text} for a text of more than 65,535 bytes or an id, kernel or arm
/// that is not UTF-8, Error{record.row} for a row that is not the schema's, and Error{record.reasons} for more than
/// 65,535 reasons.
void encode(std::string& out, const cascade::Bundle& bundle, const cascade::Decision& decision,
            const DecisionContext& context);

/// Appends only the third part, the outcome: everything that a replay must reproduce.
void encode_outcome(std::string& out, const cascade::Bundle& bundle, const cascade::Decision& decision,
                    std::span<const cascade::Reason> reasons);

struct RecordHead {
  std::string id;
  std::uint64_t subject = 0;
  std::int64_t time_in_us = 0, time_out_us = 0;
  Digest bundle;
  std::int64_t policy_version = 0;
  std::string kernel, arm;
  std::optional<ShadowResult> shadow;
};

struct RecordInputs {
  std::vector<double> row;                  // in schema order; NaN for a missing cell
  std::optional<std::vector<double>> late;  // as fetched, in the order of Schema::late_columns; empty if not fetched
};

struct PhaseOutcome {
  bool undecided = false;
  std::uint16_t n_fired = 0, n_missing = 0;  // of all rules; the lists below have at most 32
  std::string decisive, reason;              // id and reason code of the rule that decided; empty if none did
  std::vector<std::string> fired, missing;   // ids
};

struct RecordOutcome {
  cascade::Action action = cascade::Action::none;
  cascade::Level level = cascade::Level::L0;
  cascade::Cause cause = cascade::Cause::none, rules_cause = cascade::Cause::none;
  std::array<bool, cascade::kStageCount> path{};
  bool in_band = false;
  std::optional<cascade::Band> band;
  float gain = std::numeric_limits<float>::quiet_NaN();  // expected of the network; NaN if the band has no min_gain
  cascade::StageScore forest, network;
  std::string device;
  double p_final = 0;
  std::array<PhaseOutcome, 3> phases;  // pre, fallback, post
  std::vector<cascade::Reason> reasons;
};

struct DecisionRecord {
  RecordHead head;
  RecordInputs inputs;
  RecordOutcome outcome;
  cascade::TimingsUs timings_us;
};

/// A record's four parts, not decoded.
struct RecordParts {
  std::string_view head, inputs, outcome, timings;
};
/// The parts point into `bytes`. Throws Error{record.version, record.truncated, record.excess}.
RecordParts split(std::string_view bytes);

/// These throw Error{record.*} for bytes that `encode` cannot have written.
RecordHead decode_head(std::string_view head);
RecordInputs decode_inputs(std::string_view inputs);
RecordOutcome decode_outcome(std::string_view outcome);
DecisionRecord decode(std::string_view bytes);

/// Appends one JSON object with the keys of docs/record.schema.json, without a newline. `inputs` is an object with the
/// columns' names as keys, or a list if `schema` is null or has another number of columns.
void append_json(std::string& out, const DecisionRecord& record, const Schema* schema);

/// The first field in which two outcomes differ, with both values; "" if they are equal. Devices are not compared.
std::string difference(const RecordOutcome& then, const RecordOutcome& now);

}  // namespace sluice::audit
