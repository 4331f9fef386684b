#include <iostream>

#include "sluice/base/error.h"
#include "sluice/base/json_text.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/csv_text.h"
#include "sluice/cli/terminal.h"
#include "sluice/cli/verbs.h"
#include "sluice/cli/verbs/audit_options.h"
#include "sluice/cli/verbs/decision_sink.h"
#include "sluice/cli/verbs/row_reasons.h"

namespace sluice::cli {
namespace {

struct Tally {
  std::uint64_t n_rows = 0, n_forwarded = 0;
  std::array<std::uint64_t, 4> by_action{}, by_level{};

  void add(const cascade::Decision& d) {
    ++n_rows;
    n_forwarded += d.network.ran;
    ++by_action[static_cast<std::size_t>(d.action)];
    ++by_level[static_cast<std::size_t>(d.level)];
  }
  void print(bool json) const {
    using rules::Action;
    if (json) {
      std::string text;
      JsonText out(text);
      out.open('{').field("rows", n_rows).field("forwarded", n_forwarded);
      for (const auto action : {Action::approve, Action::review, Action::decline})
        out.field(rules::to_string(action), by_action[static_cast<std::size_t>(action)]);
      for (std::size_t l = 0; l < by_level.size(); ++l)
        out.field(cascade::to_string(static_cast<cascade::Level>(l)), by_level[l]);
      out.close('}');
      std::cout << text << "\n";
      return;
    }
    const auto line = [&](const char* name, std::uint64_t n) -> std::vector<std::string> {
      return {name, std::to_string(n),
              fixed(n_rows ? 100.0 * static_cast<double>(n) / static_cast<double>(n_rows) : 0, 2) + " %"};
    };
    std::vector<std::vector<std::string>> rows = {line("rows", n_rows), line("forwarded", n_forwarded)};
    for (const auto action : {Action::approve, Action::review, Action::decline})
      rows.push_back(line(rules::to_string(action), by_action[static_cast<std::size_t>(action)]));
    for (std::size_t l = 1; l < by_level.size(); ++l)
      if (by_level[l] > 0) rows.push_back(line(cascade::to_string(static_cast<cascade::Level>(l)), by_level[l]));
    std::cout << format_table(rows);
  }
};

}  // namespace

int run_score(const Arguments& arguments) {
  std::string bundle_path, data, out, id, which_reasons = "none";
  CommonOptions common;
  bool is_spreadsheet_safe = false;
  AuditOptions audit_options;
  Options options("score", "Decides every row of a table.",
                  "sluice score --bundle bundle --data transactions.csv --out decisions.csv --id transaction_id");
  options.required("--bundle", bundle_path, "folder of the bundle")
      .required("--data", data, "CSV or Arrow IPC; - for standard input")
      .required_output("--out", out, "output file: .csv, .jsonl (whole records) or .arrow");
  options.text("--id", id, "column that identifies a request")
      .choice("--reasons", which_reasons, {"none", "adverse", "all"},
              "compute reason codes by attribution: for declined and reviewed rows, or for all rows");
  add_spreadsheet_safe(options, is_spreadsheet_safe);
  audit_options.add(options);
  common.add_threads(options);
  common.add_device(options);
  common.add_plugins(options);
  common.add_quiet(options);
  common.add_json(options);
  if (!options.parse(arguments)) return 0;

  const auto bundle = load_bundle(bundle_path, common);
  const cascade::Engine engine(bundle);
  print_warnings(engine);
  ThreadPool pool(common.n_threads);
  io::RowReaderOptions rows_options;
  rows_options.id_column = id;
  if (!audit_options.subject.empty()) rows_options.extra_columns = {audit_options.subject};
  rows_options.pool = &pool;
  const auto reader = open_rows(data, bundle->schema, rows_options);
  const auto sink = open_sink(out, *bundle, is_spreadsheet_safe);
  const auto log = audit_options.is_on() ? audit_options.open() : nullptr;
  const bool needs_subject = log && log->is_encrypted();
  if (needs_subject && audit_options.subject.empty())
    throw UsageError("--audit: this log is encrypted; --subject must name the column of the subject");
  const Progress progress = make_progress(common.quiet);
  io::RowBlock block;
  std::vector<cascade::Decision> decisions;
  std::vector<std::int64_t> times;  // read by rules as `now` and stored in the log
  RowReasons reasons(engine, which_reasons);
  Tally tally;
  const std::size_t n_at_once =
      which_reasons == "none" ? 4096 : 64;  // explaining is slow: small blocks keep progress visible
  const auto decide_all = [&] {
    while (reader->next(block, n_at_once)) {
      decisions.resize(block.rows.n_rows());
      const std::int64_t time_in_us = now_us();
      times.assign(decisions.size(), time_in_us);
      engine.decide_batch(block.rows.view(), decisions, &pool, times);
      reasons.explain(block.rows.view(), decisions, pool);
      for (std::size_t i = 0; i < decisions.size(); ++i) {
        sink->add(decisions[i], {.id = id.empty() ? std::string_view() : block.ids[i],
                                 .row = block.first_row + i,
                                 .inputs = block.rows.row(i),
                                 .reasons = reasons.of(i)});
        tally.add(decisions[i]);
        if (needs_subject && block.extras[0][i].empty())
          throw Error("audit.subject",
                      "row " + std::to_string(block.first_row + i) + ": the column \"" + audit_options.subject +
                          "\" is empty, and the log encrypts each record with its subject's key",
                      "fill the column, or keep these rows out of the table");
        if (log)
          log->append(*bundle, decisions[i],
                      {.id = id.empty() ? std::string_view() : block.ids[i],
                       .subject = block.extras.empty() ? 0 : log->subject_reference(block.extras[0][i]),
                       .time_in_us = time_in_us,
                       .time_out_us = now_us(),
                       .row = block.rows.row(i),
                       .reasons = reasons.of(i)});
      }
      report(progress, "scoring", reader->bytes_read(), reader->bytes_total());
    }
  };
  try {
    decide_all();
  } catch (const Error& e) {
    if (!log) throw;
    log->close();
    const std::uint64_t n = log->status().appended;
    throw Error(
        e.code(),
        e.message() + "; the log " + audit_options.folder + " has " + std::to_string(n) + " decisions of this run",
        e.hint());
  }
  if (log) close_log(*log);
  sink->finish();
  print_warnings(*reader);
  end_progress();
  tally.print(common.json);
  return 0;
}

}  // namespace sluice::cli
