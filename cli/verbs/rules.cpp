#include <algorithm>
#include <iostream>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/json_fields.h"
#include "sluice/cli/options.h"
#include "sluice/cli/verbs.h"
#include "sluice/rules/analyze.h"
#include "sluice/rules/ruleset.h"

namespace sluice::cli {
namespace {

constexpr std::size_t kMaxUndecided = 50;  // printed per rule set

struct RuleOptions {
  std::string schema, phase = "pre";

  void add(Options& options) {
    options.required("--schema", schema, "schema.json, or the folder of a bundle")
        .choice("--phase", phase, {"pre", "fallback", "post"},
                "phase in which the rules run; post rules may read model outputs");
  }
  Schema read_schema() const {
    const std::filesystem::path path = std::filesystem::is_directory(schema)
                                           ? std::filesystem::path(schema) / "schema.json"
                                           : std::filesystem::path(schema);
    return Schema::from_json(read_file(path), path.string());
  }
  rules::Phase phase_of() const {
    return phase == "pre" ? rules::Phase::pre : phase == "fallback" ? rules::Phase::fallback : rules::Phase::post;
  }
};

/// Compiles a rule set and prints every fault.
std::optional<rules::RuleSet> compile(const std::string& file, const RuleOptions& rule_options) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  auto compiled = rules::RuleSet::compile(read_file(file), file, rule_options.read_schema(), rule_options.phase_of(),
                                          [&](const std::string& name) { return read_file(folder / name); });
  for (const auto& diagnostic : compiled.diagnostics) std::cout << to_string(diagnostic) << "\n";
  return std::move(compiled.rules);
}

bool run_tests(const std::string& file, const rules::RuleSet& rules) {
  const auto failures = rules.run_tests();
  for (const auto& failure : failures)
    std::cout << file << " at " << failure.pointer << ": " << failure.message << "\n";
  std::cout << file << ": " << rules.size() << " rules, " << rules.n_tests() - failures.size() << " of "
            << rules.n_tests() << " tests pass\n";
  return failures.empty();
}

/// Prints what can be proved about the set. Returns false if it finds a fault or, with `is_strict`, a note.
bool analyze(const std::string& file, const rules::RuleSet& rules, bool is_strict) {
  const rules::Analysis analysis = rules::analyze(rules);
  bool is_sound = true;
  for (const auto& finding : analysis.findings) {
    std::cout << file << ": " << (finding.is_note ? "note: " : "") << to_string(finding, rules) << "\n";
    is_sound &= finding.is_note && !is_strict;
  }
  const std::size_t n_open = analysis.undecided.size(), n_told = std::min(n_open, kMaxUndecided);
  for (std::size_t i = 0; i < n_told; ++i) std::cout << file << ": " << to_string(analysis.undecided[i], rules) << "\n";
  if (n_open > n_told) std::cout << file << ": " << n_open - n_told << " more are undecided\n";
  if (!analysis.are_overlaps_complete) std::cout << file << ": the search for overlaps stopped at its limit\n";
  return is_sound;
}

int check_rules(const Arguments& arguments) {
  std::vector<std::string> files;
  RuleOptions rule_options;
  bool is_strict = false;
  Options options(
      "rules check",
      "Checks rule sets: reports every fault, runs their tests, then reports what can be proved: rules that "
      "never hold, always hold or never decide, overlaps and gaps, each with an example row. Exit code 3 if "
      "there is a finding other than a note.",
      "sluice rules check examples/rules/pre.json --schema examples/schema.json");
  options.positionals("FILE", files, "rule sets");
  options.flag("--strict", is_strict, "exit code 3 for notes too: gaps, and overlaps that the hit policy resolves");
  rule_options.add(options);
  if (!options.parse(arguments)) return 0;
  bool sound = true;
  for (const auto& file : files) {
    const auto rules = compile(file, rule_options);
    sound = rules && run_tests(file, *rules) && sound;
    if (rules) sound = analyze(file, *rules, is_strict) && sound;
  }
  return sound ? 0 : kFound;
}

/// Reads a row from {"amount": 12.5, "country": "NL"}: texts are parsed as a table's cells, and columns that are not
/// named are missing.
std::vector<double> read_row(const std::string& json_text, const Schema& schema) {
  const Json json = parse_json(json_text, "--row", "rules.row");
  if (!json.is_object()) throw Error("rules.row", "--row: expected a JSON object");
  std::vector<double> row(schema.size(), std::numeric_limits<double>::quiet_NaN());
  for (const auto& [name, value] : json.items()) {
    const std::size_t column = schema.index_of(name);
    if (value.is_null()) continue;
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (schema.parse_cell(column, text, row[column]) == CellStatus::invalid)
      throw Error("rules.row", "--row: \"" + text + "\" is not a value of column \"" + name + "\"");
  }
  return row;
}

double read_now(const std::string& text) {
  if (text.empty()) return std::numeric_limits<double>::quiet_NaN();
  if (const auto seconds = parse_time(text)) return *seconds;
  throw Error("rules.now", "--now: \"" + text + "\" is not a time", "write it as 2024-01-31T13:05:59Z");
}

int eval(const Arguments& arguments) {
  std::string file, row_text, now;
  RuleOptions rule_options;
  Options options("rules eval", "Evaluates one row with a rule set, and prints the values that each rule read.",
                  "sluice rules eval examples/rules/pre.json --schema examples/schema.json --row '{\"amount\": 9000}'");
  options.positional("FILE", file, "rule set")
      .required("--row", row_text, "JSON object that maps column names to values")
      .text("--now", now, "time of the decision, such as 2024-01-31T13:05:59Z; without it, now is missing in rules");
  rule_options.add(options);
  if (!options.parse(arguments)) return 0;
  const auto rules = compile(file, rule_options);
  if (!rules) return kFound;
  const auto row = read_row(row_text, rule_options.read_schema());
  const auto trace = rules->trace(row, {.now = read_now(now)});
  for (std::size_t i = 0; i < rules->size(); ++i) {
    const auto& rule = rules->rule(i);
    const auto& entry = trace.rules[i];
    const char* truth = entry.truth == rules::Truth::yes       ? "true"
                        : entry.truth == rules::Truth::missing ? "missing"
                                                               : "false";
    const std::string effect = entry.action != rules::Action::none ? std::string(", ") + to_string(entry.action)
                               : entry.fired                       ? ", fires"
                                                                   : "";
    std::cout << rule.id << ": " << truth << effect << "   " << rule.when << "\n";
    if (!entry.cause.empty()) std::cout << "    because of: " << entry.cause << "\n";
    for (const auto& value : entry.values)
      std::cout << "    " << value.name << " = " << (value.text.empty() ? "missing" : value.text) << "\n";
  }
  if (rules->hit_policy() == rules::HitPolicy::collect_sum) std::cout << "points: " << trace.outcome.points << "\n";
  std::cout << "action: " << (trace.outcome.undecided ? "undecided" : to_string(trace.outcome.action)) << "\n";
  return 0;
}

int test(const Arguments& arguments) {
  std::vector<std::string> files;
  RuleOptions rule_options;
  Options options("rules test", "Runs the tests that rule sets contain. Exit code 3 if one fails.",
                  "sluice rules test examples/rules/pre.json --schema examples/schema.json");
  options.positionals("FILE", files, "rule sets");
  rule_options.add(options);
  if (!options.parse(arguments)) return 0;
  bool sound = true;
  for (const auto& file : files)
    sound = run_tests(file, rules::RuleSet::load(file, rule_options.read_schema(), rule_options.phase_of())) && sound;
  return sound ? 0 : kFound;
}

}  // namespace

int run_rules(const Arguments& arguments) {
  return dispatch("sluice rules",
                  {{"check", "report every fault and what can be proved; run the tests inside", check_rules},
                   {"test", "run the tests inside", test},
                   {"eval", "evaluate one row with a full trace", eval}},
                  arguments);
}

}  // namespace sluice::cli
