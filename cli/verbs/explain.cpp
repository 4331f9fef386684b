#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>
#include <optional>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/number.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/terminal.h"
#include "sluice/cli/verbs.h"
#include "sluice/cli/verbs/stored_record.h"
#include "sluice/explain/report.h"

namespace sluice::cli {
namespace {

constexpr std::size_t kBlock = 4096;

struct Asked {
  std::string bundle, data, row, id, id_column, record, json, html, game = "served_path", method = "auto", background,
                                                                    catalogue;
};

struct Request {
  std::vector<double> row;
  explain::ReportContext context;
};

std::uint64_t parse_row(const std::string& text) {
  std::uint64_t row = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), row);
  if (fault != std::errc() || end != text.data() + text.size())
    throw UsageError("sluice explain: --row must be a row number, counted from 0, not \"" + text + "\"");
  return row;
}

void check_usage(const Asked& asked) {
  const auto fail = [](const char* text) { throw UsageError(std::string("sluice explain: ") + text); };
  if (asked.data.empty() == asked.record.empty()) fail("give either --data or --record");
  if (!asked.data.empty() && asked.row.empty() == asked.id.empty()) fail("--data needs one of --row and --id");
  if (asked.row.empty() && asked.id.empty() && !asked.id_column.empty()) fail("--id-column needs --id");
}

std::string id_column_of(const Asked& asked, const Schema& schema) {
  if (asked.id.empty() || !asked.id_column.empty()) return asked.id_column;
  std::string name;
  for (const Column& column : schema.columns()) {
    if (column.kind != Kind::id) continue;
    if (!name.empty())
      throw UsageError("sluice explain: the schema has several id columns; name the column of --id with --id-column");
    name = column.name;
  }
  if (name.empty())
    throw UsageError("sluice explain: the schema has no id column; name the column of --id with --id-column");
  return name;
}

Request find_request(const Asked& asked, const Schema& schema) {
  const std::string id_column = id_column_of(asked, schema);
  const std::uint64_t wanted = asked.row.empty() ? 0 : parse_row(asked.row);
  const auto reader = open_rows(asked.data, schema, {.id_column = id_column});
  io::RowBlock block;
  while (reader->next(block, kBlock))
    for (std::size_t i = 0; i < block.rows.n_rows(); ++i) {
      if (asked.id.empty() ? block.first_row + i != wanted : block.ids[i] != asked.id) continue;
      print_warnings(*reader);
      return {{block.rows.row(i).begin(), block.rows.row(i).end()},
              {.id = id_column.empty() ? "" : block.ids[i], .row = block.first_row + i}};
    }
  const std::string size = std::to_string(reader->rows_read()) + " rows";
  if (asked.id.empty())
    throw Error("explain.row", asked.data + " has " + size + ", counted from 0: no row " + asked.row);
  throw Error("explain.id",
              asked.data + ": none of its " + size + " has \"" + id_column + "\" equal to \"" + asked.id + "\"");
}

void print_rules(const cascade::Bundle& bundle, const explain::Explanation& e) {
  for (const auto& phase : e.phases) {
    const auto& rules = phase.phase == rules::Phase::pre        ? *bundle.pre
                        : phase.phase == rules::Phase::fallback ? *bundle.fallback
                                                                : *bundle.post;
    for (const auto rule : phase.trace.outcome.fired)
      std::cout << "rule fired   " << rules.rule(rule).id << " (" << rules::to_string(phase.phase)
                << "): " << rules.rule(rule).when << "\n";
  }
}

void print_attribution(const Schema& schema, const explain::Explanation& e) {
  const explain::Attribution& a = *e.attribution;
  std::cout << "explained    game " << to_string(a.game) << ", method " << to_string(a.method);
  if (!a.background.name.empty())
    std::cout << ", background " << a.background.name << " (" << a.background.n_rows << " rows)";
  if (!std::isnan(a.off_route_fraction)) std::cout << ", " << fixed(100 * a.off_route_fraction, 1) << " % off route";
  std::cout << "\n";
  for (std::size_t i = 0; i < e.reasons.size(); ++i)
    std::cout << (i == 0 ? "reasons      " : "             ") << e.reasons[i].reason.code << "  " << e.reasons[i].text
              << (e.reasons[i].is_tied ? "  (tied)" : "") << "\n";
  std::cout << "\n";
  std::vector<std::size_t> columns;
  for (std::size_t c = 0; c < a.phi.size(); ++c)
    if (a.phi[c] != 0) columns.push_back(c);
  std::stable_sort(columns.begin(), columns.end(),
                   [&](std::size_t x, std::size_t y) { return std::abs(a.phi[x]) > std::abs(a.phi[y]); });
  std::vector<std::vector<std::string>> rows = {{"column", "value", "log-odds", "± error"},
                                                {"(base)", "", fixed(a.base, 4), ""}};
  for (const std::size_t c : columns) {
    const std::string value = std::isnan(e.row[c]) ? "missing" : schema.format_cell(c, e.row[c]);
    rows.push_back({schema[c].name, value, (a.phi[c] > 0 ? "+" : "") + fixed(a.phi[c], 4),
                    a.standard_error[c] > 0 ? fixed(a.standard_error[c], 4) : ""});
  }
  rows.push_back({"(served)", "", fixed(a.output, 4), ""});
  std::cout << format_table(rows);
}

void print_explanation(const cascade::Bundle& bundle, const explain::Explanation& e,
                       const explain::ReportContext& context) {
  const cascade::Decision& d = e.decision;
  std::string path;
  append_path(path, d);
  std::cout << "row          " << context.row << (context.id.empty() ? "" : " (" + context.id + ")")
            << "\naction       " << rules::to_string(d.action) << "\npath         " << path << ", level "
            << to_string(d.level)
            << (d.cause == cascade::Cause::none ? "" : std::string(" (") + to_string(d.cause) + ")") << "\n";
  if (d.forest.ran) {
    const auto& cutoffs = d.level == cascade::Level::L0 ? bundle.policy.level0 : bundle.policy.level1;
    std::cout << "probability  " << fixed(d.p_final, 4) << ": approve below " << number_text(cutoffs.approve_below)
              << ", decline from " << number_text(cutoffs.decline_from) << "\n";
  }
  print_rules(bundle, e);
  if (e.attribution)
    print_attribution(bundle.schema, e);
  else
    std::cout << "explained    by the rules above or the safe default: there is no score to attribute\n";
}

void add_flags(Options& options, Asked& asked) {
  options.required("--bundle", asked.bundle, "folder of the bundle")
      .text("--data", asked.data, "CSV or Arrow IPC; - for standard input");
  options.text("--row", asked.row, "row number, counted from 0")
      .text("--id", asked.id, "id of the row")
      .text("--id-column", asked.id_column, "column of --id; default: the schema's id column");
  options.text("--record", asked.record,
               "stored decision instead of --data: the .jsonl output of score; --row or --id selects a line");
  options.output("--json", asked.json, "output file for the explanation as JSON")
      .output("--html", asked.html, "output file for the explanation as HTML");
  options.text("--game", asked.game, "what to explain: served_path, stage_margin or system")
      .text("--method", asked.method, "method: auto, tree, permutation or exact");
  options.text("--background", asked.background, "background of the bundle to compare with")
      .text("--reasons", asked.catalogue, "reason catalogue (JSON): maps names to codes and texts");
}

}  // namespace

int run_explain(const Arguments& arguments) {
  Asked asked;
  CommonOptions common;
  Options options("explain", "Explains one decision.",
                  "sluice explain --bundle bundle --data transactions.csv --row 17 --html explanation.html");
  add_flags(options, asked);
  common.add_device(options);
  common.add_plugins(options);
  common.add_quiet(options);
  if (!options.parse(arguments)) return 0;
  check_usage(asked);
  explain::ExplainOptions settings{.game = explain::parse_game(asked.game),
                                   .method = explain::parse_method(asked.method),
                                   .background = asked.background};

  const cascade::Engine engine(load_bundle(asked.bundle, common), {.timings = true});
  print_warnings(engine);
  const cascade::Bundle& bundle = engine.bundle();
  if (!asked.catalogue.empty())
    settings.catalogue =
        explain::ReasonCatalogue::from_json(read_file(asked.catalogue), asked.catalogue, bundle.schema);
  const explain::Explainer explainer(engine, std::move(settings));
  Request request;
  std::optional<StoredRecord> stored;
  if (asked.record.empty()) {
    request = find_request(asked, bundle.schema);
  } else {
    stored = read_stored_record(asked.record, asked.row, asked.id, bundle);
    request = {stored->inputs, {.id = stored->id, .row = stored->row}};
  }
  engine.decide(request.row);  // warms up, so that the report's times exclude a cold start
  const explain::Explanation explanation = explainer.explain(request.row);
  if (!asked.json.empty()) write_file(asked.json, report_json(explainer, explanation, request.context));
  if (!asked.html.empty()) write_file(asked.html, report_html(explainer, explanation, request.context));
  if (asked.json.empty() && asked.html.empty()) print_explanation(bundle, explanation, request.context);
  for (const auto& file : {asked.json, asked.html})
    if (!file.empty()) std::cout << file << "\n";
  const std::string changed = stored ? difference(*stored, explanation.decision) : "";
  if (!changed.empty()) warn("decided again, the stored decision differs: " + changed);
  return changed.empty() ? 0 : kFound;
}

}  // namespace sluice::cli
