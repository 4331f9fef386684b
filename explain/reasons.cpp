#include "sluice/explain/reasons.h"

#include <algorithm>
#include <cmath>

#include "sluice/base/json_fields.h"

namespace sluice::explain {
namespace {

constexpr double kTieGrid = 1e9;  // values are compared in steps of 1e-9, so that rounding errors do not break ties

double tie_key(double phi) { return std::nearbyint(phi * kTieGrid); }

std::string upper_snake(std::string_view name) {
  std::string code;
  for (const char c : name) {
    const bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    code += is_plain ? (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c) : '_';
  }
  return code;
}

const std::string& group_of(const Column& column) { return column.group.empty() ? column.name : column.group; }

std::vector<std::string> known_names(const Schema& schema) {
  std::vector<std::string> names;
  for (const Column& column : schema.columns()) {
    names.push_back(column.name);
    if (!column.group.empty()) names.push_back(column.group);
  }
  return names;
}

/// One candidate per group and one per missing value, in column order, of either sign.
std::vector<RankedReason> candidates(const Attribution& attribution, RowView row, const Schema& schema) {
  std::vector<RankedReason> found;
  for (std::size_t c = 0; c < schema.size(); ++c) {
    const double phi = attribution.phi[c];
    if (phi == 0) continue;
    const bool is_missing = std::isnan(row[c]);
    const std::string& name = is_missing ? schema[c].name : group_of(schema[c]);
    const auto it = std::find_if(found.begin(), found.end(), [&](const RankedReason& r) {
      return !is_missing && !r.is_missing && r.reason.feature == name;
    });
    RankedReason& reason = it != found.end() ? *it : found.emplace_back();
    reason.reason.feature = name;
    reason.reason.phi += phi;
    reason.columns.push_back(c);
    reason.is_missing = is_missing;
  }
  return found;
}

}  // namespace

ReasonCatalogue ReasonCatalogue::from_json(std::string_view text, std::string_view source_view, const Schema& schema) {
  const std::string source(source_view);
  const Json json = parse_json(text, source, "reasons.json");
  std::vector<Diagnostic> diagnostics;
  JsonFields names(json, "", source, "reasons", diagnostics);
  ReasonCatalogue catalogue;
  const auto known = known_names(schema);
  for (const std::string& name : known) {
    const Json* entry = names.child(name);
    if (!entry || catalogue.entries_.contains(name)) continue;
    JsonFields fields(*entry, "/" + pointer_step(name), source, "reasons", diagnostics);
    fields.require("code");
    const ReasonText present{fields.string("code", upper_snake(name)), fields.string("text", name)};
    const ReasonText missing{fields.string("missing_code", present.code + "_MISSING"),
                             fields.string("missing_text", present.text + " (missing)")};
    fields.finish();
    catalogue.entries_[name] = {present, missing};
  }
  names.finish();
  throw_if_errors(diagnostics);
  return catalogue;
}

ReasonText ReasonCatalogue::find(const std::string& name, bool is_missing) const {
  const auto it = entries_.find(name);
  if (it != entries_.end()) return is_missing ? it->second.missing : it->second.present;
  return is_missing ? ReasonText{upper_snake(name) + "_MISSING", name + " (missing)"}
                    : ReasonText{upper_snake(name), name};
}

std::vector<RankedReason> adverse_reasons(const Attribution& attribution, RowView row, const Schema& schema,
                                          const ReasonCatalogue& catalogue, std::size_t limit) {
  std::vector<RankedReason> reasons = candidates(attribution, row, schema);
  std::erase_if(reasons, [](const RankedReason& r) { return !(r.reason.phi > 0); });
  std::stable_sort(reasons.begin(), reasons.end(),
                   [](const auto& a, const auto& b) { return tie_key(a.reason.phi) > tie_key(b.reason.phi); });
  for (std::size_t i = 0; i + 1 < reasons.size(); ++i)
    if (tie_key(reasons[i].reason.phi) == tie_key(reasons[i + 1].reason.phi))
      reasons[i].is_tied = reasons[i + 1].is_tied = true;
  reasons.resize(std::min(reasons.size(), limit));
  for (RankedReason& reason : reasons) {
    ReasonText text = catalogue.find(reason.reason.feature, reason.is_missing);
    reason.reason.code = std::move(text.code);
    reason.text = std::move(text.text);
  }
  return reasons;
}

std::vector<cascade::Reason> record_reasons(const std::vector<RankedReason>& reasons) {
  std::vector<cascade::Reason> out;
  for (const RankedReason& reason : reasons) out.push_back(reason.reason);
  return out;
}

}  // namespace sluice::explain
