#include <cmath>
#include <map>

#include "sluice/audit/stored_decisions.h"
#include "sluice/base/error.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/table_file.h"
#include "sluice/cli/verbs.h"
#include "sluice/io/csv.h"

namespace sluice::cli {
namespace {

/// What became of each request, by its id.
class LateLabels {
 public:
  LateLabels(const std::string& path, const std::string& id, const std::string& label) {
    const auto records = io::open_records(path);
    const std::size_t id_at = column_of(*records, path, id), label_at = column_of(*records, path, label);
    std::vector<std::string_view> fields;
    while (records->next(fields)) {
      const std::string_view request = fields[id_at], text = fields[label_at];
      if (request.empty()) throw Error("labels.id", records->where() + ": there is no " + id);
      if (is_missing_text(text)) continue;  // not known yet
      const auto [at, is_new] = texts_.try_emplace(std::string(request), text);
      if (!is_new && at->second.text != text)
        throw Error("labels.conflict", records->where() + ": \"" + std::string(request) + "\" is " + std::string(text) +
                                           " here and " + at->second.text + " on an earlier line");
    }
  }

  /// Null where nothing is known of the request yet.
  const std::string* find(const std::string& request) {
    const auto found = texts_.find(request);
    if (found == texts_.end()) return nullptr;
    found->second.was_used = true;
    return &found->second.text;
  }
  std::size_t n_unused() const {
    std::size_t n = 0;
    for (const auto& [request, label] : texts_) n += !label.was_used;
    return n;
  }

 private:
  struct Label {
    explicit Label(std::string_view t) : text(t) {}
    std::string text;
    bool was_used = false;
  };
  static std::size_t column_of(const io::RecordReader& records, const std::string& path, const std::string& name) {
    for (std::size_t c = 0; c < records.header().size(); ++c)
      if (records.header()[c] == name) return c;
    throw Error("labels.column", path + ": there is no column \"" + name + "\"");
  }

  std::map<std::string, Label> texts_;
};

/// One decision's stored inputs as the data file had them. An id can be told again where it is the request's.
std::string inputs_text(const audit::StoredDecision& decision, const Schema& schema) {
  const auto& [row, late] = decision.record.inputs;
  const std::string& id = decision.record.head.id;
  std::vector<double> cells = row;
  if (late)
    for (std::size_t k = 0; k < late->size(); ++k) cells[schema.late_columns()[k]] = (*late)[k];
  std::string text;
  for (std::size_t c = 0; c < schema.size(); ++c) {
    if (c > 0) text += ',';
    if (schema[c].kind != Kind::id)
      io::append_csv_field(text, schema.format_cell(c, cells[c]));
    else if (!id.empty() && hash_id(id) == cells[c])
      io::append_csv_field(text, id);
  }
  return text;
}

void check_width(const audit::StoredDecision& decision, const Schema& schema) {
  const auto& [row, late] = decision.record.inputs;
  if (row.size() != schema.size() || (late && late->size() != schema.late_columns().size()))
    throw Error("labels.width",
                "entry " + std::to_string(decision.link.index) + " has other columns than the bundle's schema",
                "give the bundle that decided: sha256:" + decision.record.head.bundle.hex());
}

std::string review_text(const std::map<std::uint64_t, audit::Review>& reviews, const audit::EntryLink& link) {
  const auto found = reviews.find(link.index);
  if (found == reviews.end()) return ",,";
  check_link(found->second, link);
  std::string text = std::string(",") + rules::to_string(found->second.action) + ",";
  io::append_csv_field(text, found->second.why);
  return text;
}

void check_names(const Schema& schema, const std::string& label) {
  for (const char* name : {"log_index", "log_action", "review_action", "review_why"})
    if (schema.find(name) || label == name)
      throw Error("labels.column", std::string("the column \"") + name + "\" is one that this verb adds");
  if (schema.find(label))
    throw Error("labels.column", "\"" + label + "\" is a column of the inputs too", "name the label otherwise");
}

int join(const Arguments& arguments) {
  std::string folder, bundle, labels_path, id, label, out;
  Options options(
      "labels join",
      "The stored inputs of each decision with what became of it, for backtest --data and, with the "
      "bundle's --schema, train --data.",
      "sluice labels join --audit log --bundle bundle --labels transactions.csv --id transaction_id --label "
      "fraud --out joined.csv");
  options.required("--audit", folder, "folder of the decision log")
      .required("--bundle", bundle, "bundle that names the columns of the inputs")
      .required("--labels", labels_path, "CSV or Arrow IPC with a line for each request of which more is known")
      .required("--id", id, "its column of requests' ids, as they were logged")
      .required("--label", label, "its column that says what became of them");
  options.text("--out", out, "file to write; standard output without it");
  if (!options.parse(arguments)) return 0;
  const Schema schema = cascade::Bundle::load(bundle).schema;
  check_names(schema, label);
  LateLabels labels(labels_path, id, label);
  const auto reviews = audit::read_reviews(folder);
  TableFile file(out);
  std::string line;
  for (const Column& column : schema.columns()) (io::append_csv_field(line, column.name), line += ',');
  io::append_csv_field(line, label);
  file.write(line + ",log_index,log_action,review_action,review_why\n");
  std::uint64_t n_joined = 0, n_unknown = 0;
  const std::uint64_t n_erased = audit::for_each_decision(folder, [&](const audit::StoredDecision& decision) {
    check_width(decision, schema);
    const std::string* text = labels.find(decision.record.head.id);
    if (!text) return void(++n_unknown);
    line = inputs_text(decision, schema) + ",";
    io::append_csv_field(line, *text);
    line += "," + std::to_string(decision.link.index) + "," + rules::to_string(decision.record.outcome.action);
    file.write(line + review_text(reviews, decision.link) + "\n");
    ++n_joined;
  });
  file.finish(std::to_string(n_joined) + " decisions with a label, " + std::to_string(n_unknown) + " without, " +
              std::to_string(n_erased) + " erased; " + std::to_string(labels.n_unused()) + " labels of no decision");
  return 0;
}

}  // namespace

int run_labels(const Arguments& arguments) {
  return dispatch("sluice labels", {{"join", "decisions with what became of them, as CSV", join}}, arguments);
}

}  // namespace sluice::cli
