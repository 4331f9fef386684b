#include <cmath>
#include <map>

#include "sluice/audit/stored_decisions.h"
#include "sluice/base/error.h"
#include "sluice/cli/csv_text.h"
#include "sluice/cli/verbs.h"
#include "sluice/cli/verbs/late_labels.h"
#include "sluice/cli/verbs/table_file.h"
#include "sluice/io/csv.h"

namespace sluice::cli {
namespace {

/// One decision's stored inputs as the data file had them. The record stores hashes of ids: an id is written only if it
/// is the request's own.
std::string inputs_text(const audit::StoredDecision& decision, const Schema& schema, bool is_safe) {
  const auto& [row, late] = decision.record.inputs;
  const std::string& id = decision.record.head.id;
  std::vector<double> cells = row;
  if (late)
    for (std::size_t k = 0; k < late->size(); ++k) cells[schema.late_columns()[k]] = (*late)[k];
  std::string text;
  for (std::size_t c = 0; c < schema.size(); ++c) {
    if (c > 0) text += ',';
    if (schema[c].kind == Kind::category)
      append_csv_text(text, schema.format_cell(c, cells[c]), is_safe);
    else if (schema[c].kind != Kind::id)
      io::append_csv_field(text, schema.format_cell(c, cells[c]));
    else if (!id.empty() && hash_id(id) == cells[c])
      append_csv_text(text, id, is_safe);
  }
  return text;
}

void check_width(const audit::StoredDecision& decision, const Schema& schema) {
  const auto& [row, late] = decision.record.inputs;
  if (row.size() != schema.size() || (late && late->size() != schema.late_columns().size()))
    throw Error("labels.width",
                "entry " + std::to_string(decision.link.index) + " has other columns than the bundle's schema",
                "give --bundle the bundle that decided: sha256:" + decision.record.head.bundle.hex());
}

std::string review_text(const std::map<std::uint64_t, audit::Review>& reviews, const audit::EntryLink& link,
                        bool is_safe) {
  const auto found = reviews.find(link.index);
  if (found == reviews.end()) return ",,";
  check_link(found->second, link);
  std::string text = std::string(",") + rules::to_string(found->second.action) + ",";
  append_csv_text(text, found->second.why, is_safe);
  return text;
}

void check_names(const Schema& schema, const std::string& label) {
  for (const char* name : {"log_index", "log_action", "review_action", "review_why"})
    if (schema.find(name) || label == name)
      throw Error("labels.column", std::string("the column \"") + name + "\" is reserved: this verb adds it");
  if (schema.find(label))
    throw Error("labels.column", "\"" + label + "\" is also a column of the inputs", "rename the label column");
}

int join(const Arguments& arguments) {
  std::string folder, bundle, labels_path, id, label, out;
  bool is_safe = false;
  Options options(
      "labels join",
      "Joins the stored inputs of each decision with its outcome, for backtest --data and, with the bundle's --schema, "
      "train --data.",
      "sluice labels join --audit log --bundle bundle --labels transactions.csv --id transaction_id --label "
      "fraud --out joined.csv");
  options.required("--audit", folder, "decision-log directory")
      .required("--bundle", bundle, "bundle whose schema names the input columns")
      .required("--labels", labels_path, "CSV or Arrow IPC with one line per request whose outcome is known")
      .required("--id", id, "column of --labels with the requests' ids, as they were logged")
      .required("--label", label, "column of --labels with the outcome (label)");
  options.output("--out", out, "output file; default: standard output");
  add_spreadsheet_safe(options, is_safe);
  if (!options.parse(arguments)) return 0;
  const Schema schema = cascade::Bundle::load(bundle).schema;
  check_names(schema, label);
  LateLabels labels(labels_path, id, label);
  const auto reviews = audit::read_reviews(folder);
  TableFile file(out);
  std::string line;
  for (const Column& column : schema.columns()) (append_csv_text(line, column.name, is_safe), line += ',');
  append_csv_text(line, label, is_safe);
  file.write(line + ",log_index,log_action,review_action,review_why\n");
  std::uint64_t n_joined = 0, n_unknown = 0;
  const std::uint64_t n_erased = audit::for_each_decision(folder, [&](const audit::StoredDecision& decision) {
    check_width(decision, schema);
    const std::string* text = labels.find(decision.record.head.id);
    if (!text) return void(++n_unknown);
    line = inputs_text(decision, schema, is_safe) + ",";
    append_csv_text(line, *text, is_safe);
    line += "," + std::to_string(decision.link.index) + "," + rules::to_string(decision.record.outcome.action);
    file.write(line + review_text(reviews, decision.link, is_safe) + "\n");
    ++n_joined;
  });
  file.finish(std::to_string(n_joined) + " decisions with a label, " + std::to_string(n_unknown) + " without, " +
              std::to_string(n_erased) + " erased; " + std::to_string(labels.n_unused()) +
              " labels without a decision");
  return 0;
}

}  // namespace

int run_labels(const Arguments& arguments) {
  return dispatch("sluice labels", {{"join", "join decisions with their outcomes, as CSV", join}}, arguments);
}

}  // namespace sluice::cli
