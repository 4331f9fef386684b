#include "sluice/cli/verbs/review_import.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "sluice/audit/stored_decisions.h"
#include "sluice/base/error.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/verbs/audit_options.h"
#include "sluice/io/record_reader.h"

namespace sluice::cli {
namespace {

struct Line {
  std::string where, id;
  std::optional<std::uint64_t> index;
  audit::Review review;
};

/// The fields of one record, by column name.
class Fields {
 public:
  Fields(const io::RecordReader& records, const std::string& path) : records_(records), header_(records.header()) {
    for (const char* name : {"by", "action", "why"})
      if (!at(name)) throw Error("review.column", path + ": no column \"" + name + "\"", kColumns);
    if (!at("index") && !at("id"))
      throw Error("review.column", path + ": no column \"index\" or \"id\" to identify the decision", kColumns);
  }

  std::vector<std::string_view>& values() { return values_; }
  std::string_view operator[](std::string_view name) const {
    const auto column = at(name);
    return column ? values_[*column] : std::string_view();
  }
  [[noreturn]] void fail(const char* code, const std::string& what) const {
    throw Error(code, records_.where() + ": " + what, "fix the file and import it again: nothing was recorded");
  }

 private:
  static constexpr const char* kColumns = "required columns: index or id, by, action, why; optional: note, time";
  std::optional<std::size_t> at(std::string_view name) const {
    const auto found = std::find(header_.begin(), header_.end(), name);
    return found == header_.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - header_.begin()));
  }

  const io::RecordReader& records_;
  const std::vector<std::string>& header_;
  std::vector<std::string_view> values_;
};

Line read_line(const Fields& fields, const std::string& where, std::int64_t now_us) {
  Line line{.where = where, .id = std::string(fields["id"])};
  if (const auto text = fields["index"]; !text.empty()) {
    std::uint64_t index = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
    if (error != std::errc{} || end != text.data() + text.size())
      fields.fail("review.index", "\"" + std::string(text) + "\" is not an entry number");
    line.index = index;
  } else if (line.id.empty()) {
    fields.fail("review.which", "index and id are both empty");
  }
  const auto action = rules::parse_action(fields["action"]);
  if (!action)
    fields.fail("review.action", "\"" + std::string(fields["action"]) + "\" must be APPROVE, REVIEW or DECLINE");
  const auto time = fields["time"].empty() ? std::optional(now_us) : parse_time_us(fields["time"]);
  if (!time) fields.fail("review.time", "\"" + std::string(fields["time"]) + "\" is not a time");
  line.review = {.action = *action,
                 .time_us = *time,
                 .who = std::string(fields["by"]),
                 .why = std::string(fields["why"]),
                 .note = std::string(fields["note"])};
  try {
    std::string bytes;
    encode(bytes, line.review);
  } catch (const Error& e) {
    fields.fail(e.code().c_str(), e.message());
  }
  return line;
}

/// Finds the decisions that the lines name in one pass over the log.
void link(std::vector<Line>& lines, const std::string& log) {
  std::map<std::uint64_t, std::vector<Line*>> by_index;
  std::map<std::string, std::vector<Line*>, std::less<>> by_id;
  for (Line& line : lines) line.index ? by_index[*line.index].push_back(&line) : by_id[line.id].push_back(&line);
  std::map<const Line*, int> n_found;
  audit::for_each_decision(log, [&](const audit::StoredDecision& decision) {
    const auto take = [&](Line* line) {
      line->review.decision = decision.link;
      ++n_found[line];
    };
    if (const auto found = by_index.find(decision.link.index); found != by_index.end())
      for (Line* line : found->second) take(line);
    if (const auto found = by_id.find(decision.record.head.id); found != by_id.end())
      for (Line* line : found->second) take(line);
  });
  for (const Line& line : lines) {
    const int n = n_found[&line];
    const std::string name = line.index ? "entry " + std::to_string(*line.index) : "the id \"" + line.id + "\"";
    if (n == 0) throw Error("review.which", line.where + ": " + name + " is not a readable decision of this log");
    if (n > 1)
      throw Error("review.which", line.where + ": " + name + " belongs to " + std::to_string(n) + " decisions",
                  "use their index, which sluice review queue lists");
  }
}

}  // namespace

std::vector<audit::Review> read_review_table(const std::string& path, const std::string& log, std::int64_t now_us) {
  const auto records = open_table(path);
  Fields fields(*records, path);
  std::vector<Line> lines;
  while (records->next(fields.values())) lines.push_back(read_line(fields, records->where(), now_us));
  link(lines, log);
  std::vector<audit::Review> reviews;
  for (Line& line : lines) reviews.push_back(std::move(line.review));
  return reviews;
}

}  // namespace sluice::cli
