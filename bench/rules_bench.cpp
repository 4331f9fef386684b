/// Rules, one row and in a batch, beside other engines on equal rules (bench/peers/rules_peers.mjs).
///
///   rules_bench FOLDER N_RULES     writes the case for the peers, and prints Sluice's JSON lines

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>

#include "bench_timing.h"
#include "rules_case.h"
#include "sluice/base/error.h"
#include "sluice/rules/ruleset.h"

namespace {

using namespace sluice;
using bench::Json;

constexpr std::size_t kRows = 4096, kPeerRows = 200;

void print(const char* work, const bench::Timing& t, std::size_t n_rules, std::size_t cost) {
  const Json line = {{"peer", "Sluice"}, {"work", work},   {"rules", n_rules}, {"us", t.median},
                     {"low", t.low},     {"high", t.high}, {"cost", cost}};
  std::printf("%s\n", line.dump().c_str());
}

/// What the peers must give: of each row the rules that hold.
Json holding(const rules::RuleSet& rules, const Table& rows) {
  Json all = Json::array();
  for (std::size_t r = 0; r < kPeerRows; ++r) {
    Json fired = Json::array();
    const rules::Trace trace = rules.trace(rows.row(r), {});
    for (std::size_t i = 0; i < trace.rules.size(); ++i)
      if (trace.rules[i].fired) fired.push_back(i);
    all.push_back(std::move(fired));
  }
  return all;
}

void run(const std::filesystem::path& folder, std::size_t n_rules) {
  const bench::RulesCase data = bench::random_rules_case(n_rules, kRows);
  auto compiled = rules::RuleSet::compile(data.rules.dump(), "bench", data.schema, rules::Phase::pre);
  throw_if_errors(compiled.diagnostics);
  const rules::RuleSet& rules = *compiled.rules;

  std::filesystem::create_directories(folder);
  const auto write = [&](const char* name, const Json& json) { std::ofstream(folder / name) << json; };
  Json objects = data.objects;
  objects.erase(objects.begin() + kPeerRows, objects.end());
  write("rows.json", objects), write("holding.json", holding(rules, data.rows));
  write("json_logic.json", data.json_logic), write("zen.json", data.zen), write("rules.json", data.rules);

  const RowsView rows = data.rows.view();
  std::vector<rules::Outcome> outcomes(kRows);
  const auto times = bench::time_in_turns({{[&] {
                                              for (std::size_t r = 0; r < kRows; ++r)
                                                rules.evaluate(rows.row(r), {}, outcomes[r]);
                                            },
                                            kRows},
                                           {[&] { rules.evaluate(rows, {}, outcomes); }, kRows}},
                                          25);
  print("one row", times[0], n_rules, rules.cost());
  print("batch", times[1], n_rules, rules.cost());
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) return std::fprintf(stderr, "rules_bench FOLDER N_RULES\n"), 2;
  run(argv[1], std::stoul(argv[2]));
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
