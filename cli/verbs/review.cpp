#include <cmath>
#include <iostream>

#include "sluice/audit/stored_decisions.h"
#include "sluice/base/error.h"
#include "sluice/base/number.h"
#include "sluice/base/schema.h"
#include "sluice/cli/csv_text.h"
#include "sluice/cli/verbs.h"
#include "sluice/cli/verbs/audit_options.h"
#include "sluice/cli/verbs/review_import.h"
#include "sluice/cli/verbs/table_file.h"

namespace sluice::cli {
namespace {

using cascade::Action;

/// One line of the queue.
std::string queue_line(const audit::StoredDecision& decision, bool is_safe) {
  const auto& [head, inputs, outcome, timings] = decision.record;
  std::string line = std::to_string(decision.link.index) + ",", fired, reasons;
  append_csv_text(line, head.id, is_safe);
  line += "," + format_time(static_cast<double>(head.time_out_us) / 1e6) + ",";
  if (!std::isnan(outcome.p_final)) append_number(line, outcome.p_final);
  line += std::string(",") + to_string(outcome.level) + ",";
  for (const auto& phase : outcome.phases) {
    for (const auto& id : phase.fired) fired += (fired.empty() ? "" : "|") + id;
    if (!phase.reason.empty()) reasons += (reasons.empty() ? "" : "|") + phase.reason;
  }
  for (const auto& reason : outcome.reasons) reasons += (reasons.empty() ? "" : "|") + reason.code;
  append_csv_text(line, fired, is_safe);
  append_csv_text(line += ",", reasons, is_safe);
  return line + "\n";
}

int queue(const Arguments& arguments) {
  std::string folder, out;
  bool is_safe = false;
  Options options("review queue",
                  "Lists the decisions that wait for a review, as CSV: action REVIEW and no final review yet.",
                  "sluice review queue log --out queue.csv");
  options.positional("DIR", folder, "folder of the log");
  options.output("--out", out, "output file; default: standard output");
  add_spreadsheet_safe(options, is_safe);
  if (!options.parse(arguments)) return 0;
  const auto reviews = audit::read_reviews(folder);
  TableFile file(out);
  file.write("index,id,time,p_final,level,rules,reasons\n");
  std::uint64_t n_waiting = 0;
  audit::for_each_decision(folder, [&](const audit::StoredDecision& decision) {
    if (decision.record.outcome.action != Action::review) return;
    const auto reviewed = reviews.find(decision.link.index);
    if (reviewed != reviews.end()) check_link(reviewed->second, decision.link);
    if (reviewed != reviews.end() && reviewed->second.action != Action::review) return;
    file.write(queue_line(decision, is_safe));
    ++n_waiting;
  });
  file.finish(std::to_string(n_waiting) + " decisions wait for a review");
  return 0;
}

/// The decision that --id or --index names.
audit::EntryLink named_decision(const std::string& folder, const std::string& id, const std::string& index) {
  if (id.empty() == index.empty()) throw UsageError("sluice review record: give --id or --index");
  if (!index.empty()) {
    const auto decision = audit::read_decision(folder, parse_count(index, "--index"));
    if (!decision) throw Error("review.which", folder + ": entry " + index + " is not a readable decision");
    return decision->link;
  }
  const auto found = audit::find_decisions(folder, id);
  if (found.size() == 1) return found.front();
  std::string which;
  for (const auto& link : found) which += (which.empty() ? "" : ", ") + std::to_string(link.index);
  throw Error("review.which", folder + ": " + std::to_string(found.size()) + " decisions have the id \"" + id + "\"",
              found.empty() ? "erased records have no id" : "give --index, one of " + which);
}

void append(const AuditOptions& log_options, std::span<const audit::Review> reviews) {
  const auto log = log_options.open_existing();
  log->append_reviews(reviews, now_us());
  close_log(*log);
}

int record(const Arguments& arguments) {
  AuditOptions log_options;
  std::string id, index, action, time;
  audit::Review review;
  Options options("review record", "Records a person's review of a decision. The last review of a decision counts.",
                  "sluice review record log --index 0 --by \"A. Jansen\" --action APPROVE --why INCOME_CONFIRMED");
  options.positional("DIR", log_options.folder, "folder of the log")
      .required("--by", review.who, "name of the reviewer")
      .required("--action", action, "APPROVE or DECLINE; or REVIEW, which keeps the decision in the queue")
      .required("--why", review.why, "reason code");
  options.text("--id", id, "id of the request")
      .text("--index", index, "entry number of the decision")
      .text("--note", review.note, "free text")
      .text("--time", time, "time of the review: ISO 8601 or seconds since 1970; default: now")
      .text("--audit-key", log_options.key, "key file that signs checkpoints");
  if (!options.parse(arguments)) return 0;
  const auto parsed = rules::parse_action(action);
  if (!parsed) throw UsageError("--action: \"" + action + "\" must be APPROVE, REVIEW or DECLINE");
  const auto time_us = time.empty() ? std::optional(now_us()) : parse_time_us(time);
  if (!time_us) throw UsageError("--time: \"" + time + "\" is not a time");
  review.action = *parsed;
  review.time_us = *time_us;
  review.decision = named_decision(log_options.folder, id, index);
  append(log_options, {&review, 1});
  std::cout << "recorded: entry " << review.decision.index << " " << action << " by " << review.who << "\n";
  return 0;
}

int import_table(const Arguments& arguments) {
  AuditOptions log_options;
  std::string from;
  Options options("review import", "Records the reviews of a table: all of them, or none if a line is wrong.",
                  "sluice review import log --from examples/reviews.csv");
  options.positional("DIR", log_options.folder, "folder of the log")
      .required("--from", from, "CSV with columns index or id, by, action, why; optional: note, time");
  options.text("--audit-key", log_options.key, "key file that signs checkpoints");
  if (!options.parse(arguments)) return 0;
  const auto reviews = read_review_table(from, log_options.folder, now_us());
  append(log_options, reviews);
  std::cout << reviews.size() << " reviews recorded\n";
  return 0;
}

}  // namespace

int run_review(const Arguments& arguments) {
  return dispatch("sluice review",
                  {{"queue", "list decisions that wait for a review, as CSV", queue},
                   {"record", "record a review of one decision", record},
                   {"import", "record the reviews of a table", import_table}},
                  arguments);
}

}  // namespace sluice::cli
