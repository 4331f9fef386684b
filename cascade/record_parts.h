#pragma once
/// Shared by everything that writes a record as text: record.cpp, and audit/record/record_text.cpp for stored records.
/// Not installed.

#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include "sluice/base/json_text.h"
#include "sluice/cascade/decision.h"
#include "sluice/cascade/record.h"

namespace sluice::cascade {

inline constexpr Stage kStagesInOrder[] = {Stage::pre_rules,      Stage::forest,     Stage::network,
                                           Stage::fallback_rules, Stage::post_rules, Stage::safe_default};

inline void put_path(JsonText& json, const std::array<bool, kStageCount>& path) {
  json.key("path").open('[');
  for (const Stage stage : kStagesInOrder)
    if (path[static_cast<std::size_t>(stage)]) json.value(to_string(stage));
  json.close(']');
}

inline void put_stage(JsonText& json, const char* name, const StageScore& score, std::string_view device) {
  json.key(name);
  if (!score.ran) {
    json.null();
    return;
  }
  json.open('{').field("margin", score.margin).field("p", score.p);
  if (!device.empty()) json.field("device", device);
  json.close('}');
}

inline void put_band(JsonText& json, const std::optional<Band>& band, bool is_inside, float gain) {
  json.key("band");
  if (!band) {
    json.null();
    return;
  }
  json.open('{').field("low", band->low).field("high", band->high);
  if (band->min_gain) json.field("min_gain", *band->min_gain).field("gain", gain);
  json.field("inside", is_inside).close('}');
}

/// The reason of a rule, then that of an attribution.
inline void put_reason(JsonText& json, std::string_view code, std::string_view rule) {
  json.open('{').field("code", code).field("rule", rule).close('}');
}
inline void put_reason(JsonText& json, const Reason& reason) {
  json.open('{')
      .field("code", std::string_view(reason.code))
      .field("feature", std::string_view(reason.feature))
      .field("phi", reason.phi)
      .close('}');
}

/// Missing is null. Infinity is a string, because JSON has none; the schema reads these strings.
inline void put_cell(JsonText& json, double cell) {
  if (std::isinf(cell))
    json.value(cell > 0 ? "inf" : "-inf");
  else
    json.value(cell);
}

}  // namespace sluice::cascade
