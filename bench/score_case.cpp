// Writes the standard case of `script/bench score` into a folder: model.json (300 trees of depth 6, 30 numbers, 3 %
// missing), schema.json, policy.json (forest only), rows.csv, and 25 rules before and after it in rules/. Usage:
// score_case FOLDER ROWS
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/number.h"
#include "sluice/base/random.h"
#include "sluice/base/schema.h"
#include "sluice/gbdt/train/booster.h"

namespace {

using namespace sluice;

constexpr std::size_t kFeatures = 30, kTrainRows = 20'000;

/// One row of money-like numbers with two or three decimals, as a table in practice has them.
void fill_row(Random& random, std::span<float> row) {
  for (float& cell : row)
    cell = random.uniform() < 0.03 ? NAN : static_cast<float>(std::round(random.normal() * 10'000) / 100);
}

void write_rows(const std::filesystem::path& path, std::size_t n_rows, const std::vector<std::string>& names) {
  AtomicFile file(path);
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ",") + name;
  text += '\n';
  Random random(2);
  std::vector<float> row(kFeatures);
  for (std::size_t i = 0; i < n_rows; ++i) {
    fill_row(random, row);
    for (std::size_t f = 0; f < kFeatures; ++f) {
      if (f > 0) text += ',';
      if (!std::isnan(row[f])) append_number(text, row[f]);
    }
    text += '\n';
    if (text.size() > (1 << 20)) file.write(text), text.clear();
  }
  file.write(text);
  file.commit();
}

/// Rules of three comparisons each, of which few fire.
std::string rules_of(std::string_view phase, std::size_t n_rules) {
  Random random(3);
  const auto comparison = [&] {
    return "x" + std::to_string(random.below(kFeatures)) + (random.below(2) == 0 ? " > " : " < -") +
           std::to_string(100 + random.below(150));
  };
  std::string rules;
  for (std::size_t k = 0; k < n_rules; ++k) {
    const std::string first = comparison(), second = comparison(), third = comparison();
    rules += std::string(k == 0 ? "" : ",\n") + R"({"id": "R)" + std::to_string(k) + R"(", "when": ")" + first +
             " && " + second + " && " + third +
             R"(", "on_missing": "SKIP", "then": {"action": "REVIEW", "reason": "R"}})";
  }
  return R"({"ruleset": ")" + std::string(phase) + R"(", "version": 1, "hit_policy": "first", "rules": [)" + rules +
         "]}\n";
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) return std::puts("usage: score_case FOLDER ROWS"), 2;
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  std::vector<std::string> names;
  std::vector<Column> columns;
  for (std::size_t f = 0; f < kFeatures; ++f) columns.push_back({.name = names.emplace_back("x" + std::to_string(f))});

  Random random(1);
  FloatTable rows(kFeatures);
  std::vector<float> labels;
  for (std::size_t i = 0; i < kTrainRows; ++i) {
    const auto row = rows.append();
    fill_row(random, row);
    double z = 0;
    for (std::size_t f = 0; f < kFeatures; ++f)
      if (!std::isnan(row[f]))
        z += 0.004 * row[f] * (f % 2 == 0 ? 1 : -1) +
             0.00005 * row[f] * (std::isnan(row[(f + 7) % kFeatures]) ? 0 : row[(f + 7) % kFeatures]);
    labels.push_back(random.uniform() < sigmoid(z) ? 1.0f : 0.0f);
  }
  gbdt::TrainOptions options;
  options.n_rounds = 300;
  options.eta = 0.1;
  write_file(folder / "model.json",
             gbdt::train({.rows = rows.view(), .labels = labels, .names = names}, nullptr, options).json);
  write_file(folder / "schema.json", Schema(columns).to_json());
  write_file(folder / "policy.json",
             R"({"policy_version": 1, "band": null, "levels": {"L0": {"approve_below": 0.3, "decline_from": 0.7}}})");
  std::filesystem::create_directories(folder / "rules");
  for (const char* phase : {"pre", "post"})
    write_file(folder / "rules" / (std::string(phase) + ".json"), rules_of(phase, 25));
  write_rows(folder / "rows.csv", std::strtoull(argv[2], nullptr, 10), names);
} catch (const sluice::Error& e) {
  return std::fprintf(stderr, "error: %s\n", e.what()), 1;
}
