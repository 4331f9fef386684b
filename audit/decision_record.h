#pragma once
/// DecisionRecord v1: the canonical bytes of one decision (docs/record_format.md), enough to explain it and to decide
/// it again to the bit.
///
/// One decision has one encoding, and bytes that decode encode to themselves: floats are their bits, every NaN is the
/// canonical one, integers are little-endian. Functions are thread-safe. `encode` allocates only where the caller's
/// buffer must grow.

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

/// What another bundle said of the same row without acting.
struct ShadowResult {
  Digest bundle;
  cascade::Action action = cascade::Action::none;
  cascade::Level level = cascade::Level::L0;
  float margin_forest = std::numeric_limits<float>::quiet_NaN();
  float margin_network = std::numeric_limits<float>::quiet_NaN();
  double p_final = std::numeric_limits<double>::quiet_NaN();
};

/// What `bundle` decided beside the decision that acts (cascade/rollout/shadow.h).
ShadowResult shadow_result(const cascade::Bundle& bundle, const cascade::Decision& decision);

/// What the decision itself does not know.
struct DecisionContext {
  std::string_view id;        // the request's; may be empty
  std::uint64_t subject = 0;  // subject_reference; 0 for none
  std::int64_t time_in_us = 0,
               time_out_us = 0;                // since 1970, as the caller's clock has them: no clock is read here
  std::string_view kernel;                     // that the forest ran on; may be empty
  std::string_view arm;                        // of an experiment; empty for none
  RowView row;                                 // raw, in schema order
  std::span<const cascade::Reason> reasons{};  // an attribution's
  const ShadowResult* shadow = nullptr;
};

/// The first eight bytes of the text's SHA-256, little-endian: what a log knows a person or an account by.
std::uint64_t subject_reference(std::string_view subject);

/// Appends the record. Throws Error{record.text} for a text of more than 65,535 bytes.
void encode(std::string& out, const cascade::Bundle& bundle, const cascade::Decision& decision,
            const DecisionContext& context);

/// Appends the third part alone: everything that a replay must give again.
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
  std::vector<double> row;                  // NaN for a missing cell
  std::optional<std::vector<double>> late;  // as they were fetched, in the order of Schema::late_columns
};

struct PhaseOutcome {
  bool undecided = false;
  std::uint16_t n_fired = 0, n_missing = 0;  // all of them; the lists stop at 32
  std::string decisive, reason;              // id and reason code of the rule that decided; empty for none
  std::vector<std::string> fired, missing;   // ids
};

struct RecordOutcome {
  cascade::Action action = cascade::Action::none;
  cascade::Level level = cascade::Level::L0;
  cascade::Cause cause = cascade::Cause::none, rules_cause = cascade::Cause::none;
  std::array<bool, cascade::kStageCount> path{};
  bool in_band = false;
  std::optional<cascade::Band> band;
  float gain = std::numeric_limits<float>::quiet_NaN();  // expected of the network; NaN where the band asks for none
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

/// A record's four parts, without a look inside. Throws Error{record.version, record.truncated, record.excess}.
struct RecordParts {
  std::string_view head, inputs, outcome, timings;
};
RecordParts split(std::string_view bytes);

/// Each throws Error{record.*} for bytes that `encode` cannot have written.
RecordHead decode_head(std::string_view head);
RecordInputs decode_inputs(std::string_view inputs);
RecordOutcome decode_outcome(std::string_view outcome);
DecisionRecord decode(std::string_view bytes);

/// One line of JSON with the keys of docs/record.schema.json. With a schema, inputs stand under their columns' names;
/// without one (null) they are a list.
void append_json(std::string& out, const DecisionRecord& record, const Schema* schema);

/// The first field in which two outcomes differ, with both values; "" where they are equal. The device is not compared.
std::string difference(const RecordOutcome& then, const RecordOutcome& now);

}  // namespace sluice::audit
