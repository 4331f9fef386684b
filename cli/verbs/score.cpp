#include <iostream>

#include "sluice/base/error.h"
#include "sluice/base/json_text.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/csv_text.h"
#include "sluice/cli/read_ahead.h"
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

struct ScoreFlags {
  std::string bundle, data, out, id, which_reasons = "none";
  bool is_spreadsheet_safe = false;
  CommonOptions common;
  AuditOptions audit;

  void declare(Options& options) {
    options.required("--bundle", bundle, "folder of the bundle")
        .required("--data", data, "CSV or Arrow IPC; - for standard input")
        .required_output("--out", out, "output file: .csv, .jsonl (whole records) or .arrow");
    options.text("--id", id, "column that identifies a request")
        .choice("--reasons", which_reasons, {"none", "adverse", "all"},
                "compute reason codes by attribution: for declined and reviewed rows, or for all rows");
    add_spreadsheet_safe(options, is_spreadsheet_safe);
    audit.add(options);
    common.add_threads(options);
    common.add_device(options);
    common.add_plugins(options);
    common.add_quiet(options);
    common.add_json(options);
  }
};

/// The threads that read, of a number that was asked for. 0, one for each processor, is for reading and deciding alike:
/// the system divides the processors between them.
std::size_t share_of(std::uint64_t n_threads) { return n_threads == 0 ? 0 : std::max<std::uint64_t>(1, n_threads / 2); }

/// Decides the rows of a table, block by block.
class Scoring {
 public:
  explicit Scoring(const ScoreFlags& flags)
      : flags_(flags),
        bundle_(load_bundle(flags.bundle, flags.common)),
        engine_(bundle_),
        reading_(share_of(flags.common.n_threads)),
        deciding_(flags.common.n_threads - flags.common.n_threads / 2),
        reader_(open_rows(flags.data, bundle_->schema, rows_options())),
        sink_(open_sink(flags.out, *bundle_, flags.is_spreadsheet_safe)),
        log_(flags.audit.is_on() ? flags.audit.open() : nullptr),
        reasons_(engine_, flags.which_reasons) {
    print_warnings(engine_);
    if (log_ && log_->is_encrypted() && flags.audit.subject.empty())
      throw UsageError("--audit: this log is encrypted; --subject must name the column of the subject");
  }

  void run() {
    try {
      decide_all();
    } catch (const Error& e) {
      if (!log_) throw;
      log_->close();
      throw Error(e.code(),
                  e.message() + "; the log " + flags_.audit.folder + " has " + std::to_string(log_->status().appended) +
                      " decisions of this run",
                  e.hint());
    }
    if (log_) close_log(*log_);
    sink_->finish();
    print_warnings(*reader_);
    end_progress();
    tally_.print(flags_.common.json);
  }

 private:
  io::RowReaderOptions rows_options() {
    io::RowReaderOptions options;
    options.id_column = flags_.id;
    if (!flags_.audit.subject.empty()) options.extra_columns = {flags_.audit.subject};
    options.pool = &reading_;
    return options;
  }

  void decide_all() {
    // Explaining is slow: small blocks keep progress visible.
    const std::size_t n_at_once = flags_.which_reasons == "none" ? 4096 : 64;
    const Progress progress = make_progress(flags_.common.quiet);
    ReadAhead blocks(*reader_, n_at_once, flags_.common.n_threads != 1);
    while (const auto* block = blocks.next()) {
      const io::RowBlock& rows = block->rows;
      decisions_.resize(rows.rows.n_rows());
      time_in_us_ = now_us();
      times_.assign(decisions_.size(), time_in_us_);
      engine_.decide_batch(rows.rows.view(), decisions_, &deciding_, times_);
      reasons_.explain(rows.rows.view(), decisions_, deciding_);
      for (std::size_t i = 0; i < decisions_.size(); ++i) write(rows, i);
      report(progress, "scoring", block->bytes_read, block->bytes_total);
    }
  }

  void write(const io::RowBlock& block, std::size_t i) {
    const std::string_view id = flags_.id.empty() ? std::string_view() : block.ids[i];
    const cascade::Decision& decision = decisions_[i];
    const RowView row = block.rows.row(i);
    sink_->add(decision, {.id = id, .row = block.first_row + i, .inputs = row, .reasons = reasons_.of(i)});
    tally_.add(decision);
    if (!log_) return;
    log_->append(*bundle_, decision,
                 {.id = id,
                  .subject = block.extras.empty() ? 0 : subject_of(block, i),
                  .time_in_us = time_in_us_,
                  .time_out_us = now_us(),
                  .row = row,
                  .reasons = reasons_.of(i)});
  }

  std::uint64_t subject_of(const io::RowBlock& block, std::size_t i) const {
    const std::string& subject = block.extras[0][i];
    if (subject.empty() && log_->is_encrypted())
      throw Error("audit.subject",
                  "row " + std::to_string(block.first_row + i) + ": the column \"" + flags_.audit.subject +
                      "\" is empty, and the log encrypts each record with its subject's key",
                  "fill the column, or keep these rows out of the table");
    return log_->subject_reference(subject);
  }

  const ScoreFlags& flags_;
  const std::shared_ptr<const cascade::Bundle> bundle_;
  const cascade::Engine engine_;
  ThreadPool reading_, deciding_;
  const std::unique_ptr<io::RowReader> reader_;
  const std::unique_ptr<DecisionSink> sink_;
  const std::unique_ptr<audit::Log> log_;
  RowReasons reasons_;
  Tally tally_;
  std::vector<cascade::Decision> decisions_;
  std::int64_t time_in_us_ = 0;
  std::vector<std::int64_t> times_;  // read by rules as `now` and stored in the log
};

}  // namespace

int run_score(const Arguments& arguments) {
  ScoreFlags flags;
  Options options("score", "Decides every row of a table.",
                  "sluice score --bundle bundle --data transactions.csv --out decisions.csv --id transaction_id");
  flags.declare(options);
  if (!options.parse(arguments)) return 0;
  Scoring(flags).run();
  return 0;
}

}  // namespace sluice::cli
