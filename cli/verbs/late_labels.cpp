#include "sluice/cli/verbs/late_labels.h"
#include "sluice/cli/common_options.h"

#include "sluice/base/error.h"
#include "sluice/base/schema.h"
#include "sluice/io/rows.h"

namespace sluice::cli {
namespace {

std::size_t column_of(const io::RecordReader& records, const std::string& path, const std::string& name) {
  for (std::size_t c = 0; c < records.header().size(); ++c)
    if (records.header()[c] == name) return c;
  throw Error("labels.column", path + ": no column \"" + name + "\"");
}

}  // namespace

LateLabels::LateLabels(const std::string& path, const std::string& id, const std::string& label) {
  const auto records = open_table(path);
  const std::size_t id_at = column_of(*records, path, id), label_at = column_of(*records, path, label);
  std::vector<std::string_view> fields;
  while (records->next(fields)) {
    const std::string_view request = fields[id_at], text = fields[label_at];
    if (request.empty()) throw Error("labels.id", records->where() + ": missing value in column " + id);
    if (is_missing_text(text)) continue;
    const auto [at, is_new] = texts_.try_emplace(std::string(request), text);
    if (!is_new && at->second.text != text)
      throw Error("labels.conflict", records->where() + ": \"" + std::string(request) + "\" is " + std::string(text) +
                                         " here and " + at->second.text + " on an earlier line");
  }
}

const std::string* LateLabels::find(const std::string& request) {
  const auto found = texts_.find(request);
  if (found == texts_.end()) return nullptr;
  found->second.was_used = true;
  return &found->second.text;
}

std::optional<bool> LateLabels::is_bad(const std::string& request, const std::string& positive) {
  const std::string* text = find(request);
  if (!text) return std::nullopt;
  if (!positive.empty()) return *text == positive;
  const auto label = io::plain_label(*text);
  if (!label)
    throw Error("labels.value", "the label of \"" + request + "\" is \"" + *text + "\", neither 0 nor 1",
                "name the text that counts as bad with --positive");
  return *label > 0.5f;
}

std::size_t LateLabels::n_unused() const {
  std::size_t n = 0;
  for (const auto& [request, label] : texts_) n += !label.was_used;
  return n;
}

}  // namespace sluice::cli
