#include "sluice/cli/verbs/policy_diff.h"

#include <cmath>
#include <iostream>

#include "sluice/base/file.h"
#include "sluice/bundle/policy_differences.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/terminal.h"
#include "sluice/cli/verbs/policy_impact.h"

namespace sluice::cli {
namespace {

using backtest::ImpactReport;
using Lines = std::vector<std::vector<std::string>>;

constexpr cascade::Action kActions[] = {cascade::Action::approve, cascade::Action::review, cascade::Action::decline,
                                        cascade::Action::none};

std::string percent_of(double share) { return std::isnan(share) ? "-" : fixed(100 * share, 2) + " %"; }
std::string signed_fixed(double value, int decimals) { return (value > 0 ? "+" : "") + fixed(value, decimals); }

void print_differences(const std::vector<cascade::PolicyDifference>& differences) {
  if (differences.empty()) std::cout << "the policies are equal\n";
  Lines rows;
  for (const auto& d : differences)
    rows.push_back({d.pointer, d.before.empty() ? "-" : d.before, d.after.empty() ? "-" : d.after});
  std::cout << format_table(rows);
}

void print_log(const backtest::ImpactLog& log, std::uint64_t n_rows) {
  std::cout << "\nthe log is whole: " << log.n_entries << " entries, " << log.n_covered
            << " of them under checkpoints\n";
  for (const auto& difference : log.differences) std::cout << difference << "\n";
  if (log.is_certificate())
    std::cout << "the old policy reproduces all " << n_rows << " stored decisions, bit for bit\n";
  else
    std::cout << "NO CERTIFICATE: " << log.n_different << " of " << n_rows
              << " stored decisions are not reproduced by the old policy\n";
  if (log.n_erased + log.n_other_bundle > 0)
    std::cout << log.n_erased << " erased, " << log.n_other_bundle << " decided by another bundle\n";
}

void print_actions(const ImpactReport& report) {
  Lines rows = {{"before \\ after", "APPROVE", "REVIEW", "DECLINE", "none"}};
  for (const auto from : kActions) {
    rows.push_back({rules::to_string(from)});
    for (const auto to : kActions)
      rows.back().push_back(
          std::to_string(report.actions[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)].n_rows));
  }
  std::cout << "\n" << format_table(rows);
}

void print_sides(const ImpactReport& report) {
  Lines rows = {{"", "approved", "reviewed", "declined", "forwarded", "L0", "L1", "L2", "L3", "cost"}};
  for (const auto& [name, side] : {std::pair("before", report.before), std::pair("after", report.after)}) {
    rows.push_back({name, percent_of(side.approve_rate), percent_of(side.review_rate), percent_of(side.decline_rate),
                    std::to_string(side.n_forwarded)});
    for (const auto n : side.n_by_level) rows.back().push_back(std::to_string(n));
    rows.back().push_back(fixed(side.cost, 2));
  }
  std::cout << "\n"
            << format_table(rows) << report.n_changed << " of " << report.n_rows << " decisions change action, "
            << percent_of(report.changed_share()) << "; cost "
            << signed_fixed(report.after.cost - report.before.cost, 2) << " (" << report.n_labelled << " by outcome, "
            << report.n_expected << " by probability, " << report.n_unpriced
            << " by neither; costs: " << report.costs_from << ")\n";
  if (report.n_without_late > 0)
    std::cout << report.n_without_late
              << " are newly forwarded: the log has no late columns for them, so the network ran without them\n";
}

void print_tables(const ImpactReport& report) {
  for (const auto& table : report.tables) {
    Lines rows = {{table.column, "decisions", "changed", "approved before", "after", "cost change"}};
    if (table.is_protected) rows[0].insert(rows[0].end(), {"impact ratio before", "after"});
    for (const auto& s : table.segments) {
      rows.push_back({s.name, std::to_string(s.n_rows), std::to_string(s.n_changed), percent_of(s.approve_before),
                      percent_of(s.approve_after), signed_fixed(s.cost_change, 2)});
      if (table.is_protected)
        rows.back().insert(rows.back().end(), {fixed(s.impact_before, 3), fixed(s.impact_after, 3)});
    }
    std::cout << "\n" << format_table(rows);
  }
}

void print_largest(const ImpactReport& report) {
  if (report.largest.empty()) return;
  Lines rows = {{"id", report.log ? "entry" : "row", "from", "to", "p", "cost change"}};
  for (const auto& c : report.largest)
    rows.push_back({c.id.empty() ? "-" : c.id, std::to_string(c.row), rules::to_string(c.from), rules::to_string(c.to),
                    fixed(c.p, 4), signed_fixed(c.cost_change, 4)});
  std::cout << "\n" << format_table(rows);
}

cascade::Policy load_policy(const std::string& path) { return cascade::parse_policy(read_file(path), path); }

std::shared_ptr<const cascade::Bundle> with_policy(const cascade::Bundle& bundle, const cascade::Policy& policy,
                                                   const std::string& device) {
  auto changed = std::make_shared<cascade::Bundle>(bundle);
  const auto chosen = bundle.policy.network.device;
  changed->policy = policy;
  if (device != "auto") changed->policy.network.device = chosen;
  return changed;
}

/// The flags other than the two policies.
struct Comparison {
  std::string bundle, costs, json, html;
  ImpactSource source;
  double max_changed = 1;
  CommonOptions common;

  bool parse(const Arguments& arguments, std::string& before, std::string& after);
  void check() const;
};

bool Comparison::parse(const Arguments& arguments, std::string& before, std::string& after) {
  Options options("policy diff",
                  "Compares two policies field by field, and reports which decisions the second would change: of the "
                  "rows of a table, or of a decision log. Exit code 3 if too many change, or if the first policy does "
                  "not reproduce the log's decisions.",
                  "sluice policy diff bundle/policy.json examples/thresholds.json --bundle bundle --audit log --html "
                  "change.html");
  options.positional("A", before, "current policy").positional("B", after, "proposed policy");
  options.text("--bundle", bundle, "folder of the bundle that decides")
      .text("--data", source.data, "rows as CSV or Arrow IPC; - for standard input")
      .text("--audit", source.audit, "decision-log directory, instead of --data")
      .text("--labels", source.labels, "with --audit: table of requests' outcomes, with the columns --id and --label")
      .text("--id", source.id, "column of the requests' ids")
      .text("--label", source.label, "column of the outcome (label) of a row; default: expected costs by probability")
      .text("--positive", source.positive, "label text that counts as 1")
      .text("--costs", costs, "costs.json: the cost of mistakes; default: the costs that the bundle was trained for");
  options.list("--by", source.options.by, "columns: also report each of their values; numbers in fifths")
      .number("--max-changed", max_changed, "largest share of decisions that may change, 0 to 1; otherwise exit code 3")
      .output("--json", json, "output file for the report as JSON")
      .output("--html", html, "output file for the report as HTML");
  common.add_threads(options);
  common.add_device(options);
  common.add_plugins(options);
  common.add_quiet(options);
  if (!options.parse(arguments)) return false;
  check();
  return true;
}

void Comparison::check() const {
  const auto require = [](bool sound, const char* why) {
    if (!sound) throw UsageError(std::string("sluice policy diff: ") + why);
  };
  require(source.data.empty() || source.audit.empty(), "give --data or --audit, not both");
  const bool has_source = !source.data.empty() || !source.audit.empty();
  require(has_source == !bundle.empty(), "--bundle and one of --data and --audit need each other");
  require(has_source || (json.empty() && html.empty()), "--json and --html need --data or --audit");
  require(source.audit.empty() || source.labels.empty() == source.label.empty(),
          "with --audit, --label and --labels need each other");
  require(source.labels.empty() || (!source.audit.empty() && !source.id.empty()), "--labels needs --audit and --id");
  require(max_changed >= 0 && max_changed <= 1, "--max-changed must be a share from 0 to 1");
}

}  // namespace

int run_policy_diff(const Arguments& arguments) {
  std::string before_path, after_path;
  Comparison asked;
  if (!asked.parse(arguments, before_path, after_path)) return 0;
  const cascade::Policy before = load_policy(before_path), after = load_policy(after_path);
  if (asked.bundle.empty()) {
    print_differences(differences(before, after));
    return 0;
  }
  if (!asked.costs.empty()) asked.source.options.costs = cascade::Costs::from_json(read_file(asked.costs), asked.costs);
  const auto bundle = load_bundle(asked.bundle, asked.common);
  const PolicyPair policies = {with_policy(*bundle, before, asked.common.device),
                               with_policy(*bundle, after, asked.common.device)};
  ThreadPool pool(asked.common.n_threads);
  const auto measure = asked.source.audit.empty() ? impact_on_data : impact_on_log;
  const ImpactReport report = measure(policies, asked.source, pool, make_progress(asked.common.quiet));
  end_progress();
  if (!asked.json.empty()) write_file(asked.json, impact_json(report));
  if (!asked.html.empty()) write_file(asked.html, impact_html(report));
  print_differences(report.differences);
  if (report.log) print_log(*report.log, report.n_rows);
  print_actions(report);
  print_sides(report);
  print_tables(report);
  print_largest(report);
  const bool is_sound = !report.log || report.log->is_certificate();
  return is_sound && report.changed_share() <= asked.max_changed ? 0 : kFound;
}

}  // namespace sluice::cli
