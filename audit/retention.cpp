#include "sluice/audit/retention.h"

#include <utility>

#include "sluice/audit/log/bytes.h"
#include "sluice/audit/log/log_reader.h"
#include "sluice/base/error.h"
#include "sluice/base/json_text.h"

namespace sluice::audit {
namespace {

/// The valid checkpoints. A line that is still being written is skipped.
std::vector<Checkpoint> sound_checkpoints(const std::filesystem::path& folder) {
  std::vector<Fault> faults;
  return read_checkpoints(folder, PublicKey::load(folder / "signing.pub"), faults);
}

}  // namespace

void encode(std::string& bytes, const Retention& retention) {
  if (retention.who.empty()) throw Error("retention.who", "a retention without the name of who ordered it");
  ByteWriter(bytes)
      .put(kRetentionVersion)
      .put(retention.first)
      .put(retention.kept)
      .put(retention.before_us)
      .text(retention.who);
}

Retention decode_retention(std::string_view bytes) {
  ByteReader in(bytes);
  if (const auto version = in.get<std::uint32_t>(); version != kRetentionVersion)
    in.fail("record.version", "retention version " + std::to_string(version) + "; this program reads version 1");
  Retention retention;
  retention.first = in.get<std::uint64_t>();
  retention.kept = in.get<std::uint64_t>();
  retention.before_us = in.get<std::int64_t>();
  retention.who = in.text();
  in.finish();
  if (retention.first >= retention.kept) in.fail("record.value", "a retention of no entries");
  if (retention.who.empty()) in.fail("record.value", "a retention without the name of who ordered it");
  return retention;
}

void append_json(std::string& out, const Retention& retention) {
  JsonText json(out);
  json.open('{').field("first", retention.first).field("kept", retention.kept);
  json.field("before_us", retention.before_us).field("by", std::string_view(retention.who)).close('}');
}

RetentionPlan plan_retention(const std::filesystem::path& folder, std::int64_t before_us, std::string who) {
  RetentionPlan plan{.retention = {.before_us = before_us, .who = std::move(who)}};
  const auto checkpoints = sound_checkpoints(folder);
  auto checkpoint = checkpoints.begin();
  const auto numbers = segment_numbers(folder);
  const std::uint32_t last = numbers.empty() ? 0 : numbers.back();
  LogReader reader(folder);
  std::uint32_t segment = 0;
  for (EntryView entry; reader.next(entry);) {
    const LogState& state = *reader.state();
    const std::uint64_t index = entry.header.index, first = reader.first()->first_index;
    if (index == first) {
      plan.retention.first = plan.retention.kept = first;
    } else if (reader.segment() != segment) {  // all entries of the previous segment are old
      plan.segments.push_back(segment);
      plan.retention.kept = index;
    }
    segment = reader.segment();
    if (segment == last || entry.header.time_us >= before_us) return plan;
    while (checkpoint != checkpoints.end() && checkpoint->size < state.size()) ++checkpoint;
    if (checkpoint != checkpoints.end() && checkpoint->size == state.size() && !state.is_that_of(*checkpoint))
      throw Error(
          "log.damaged",
          folder.string() + ": the checkpoint of " + std::to_string(checkpoint->size) + " entries does not match them",
          "nothing was deleted; sluice audit verify names the first entry that cannot be trusted");
  }
  // The last segment may still be empty, or contain an entry that is being written.
  if (!reader.fault() || reader.segment() != last) reader.require_sound();
  if (reader.state() && reader.state()->size() > plan.retention.first && segment != last) {
    plan.segments.push_back(segment);
    plan.retention.kept = reader.state()->size();
  }
  return plan;
}

}  // namespace sluice::audit
