#pragma once
/// A small bundle, a table of rows, and the log that `sluice score` wrote for them. It tests the verbs that work on a
/// log, in every build.

#include <fstream>
#include <string>

#include "cli/cli_support.h"
#include "sluice/io/csv.h"
#include "support/catch.h"
#include "support/small_bundle.h"

namespace sluice::test {

class LoggedFolder {
 public:
  explicit LoggedFolder(std::size_t n_rows = 300, const std::string& score_flags = "")
      : bundle(small_bundle(dir_ / "bundle", 1, {.with_rules = true})), rows(small_rows(bundle->schema, n_rows, 5)) {
    write_rows();
    const Run scored = run(path(), "sluice score --bundle bundle --data rows.csv --id id --audit log --out d.csv " +
                                       score_flags + " --quiet");
    INFO(scored.err);
    REQUIRE(scored.exit_code == 0);
  }

  const std::filesystem::path& path() const { return dir_.path(); }
  static bool is_bad(std::size_t row) { return row % 3 == 1; }
  static std::string customer(std::size_t row) { return "customer-" + std::to_string(row % 7); }
  static std::string id(std::size_t row) { return "request-" + std::to_string(row); }

 private:
  void write_rows() const {
    std::ofstream file(path() / "rows.csv"), labels(path() / "labels.csv");
    const Schema& schema = bundle->schema;
    for (const Column& column : schema.columns()) file << column.name << ',';
    file << "customer,bad\n";
    labels << "request,outcome\n";
    for (std::size_t i = 0; i < rows.n_rows(); ++i) {
      for (std::size_t c = 0; c < schema.size(); ++c) {
        std::string cell;
        io::append_csv_field(cell, schema[c].kind == Kind::id ? id(i) : schema.format_cell(c, rows.row(i)[c]));
        file << cell << ',';
      }
      file << customer(i) << ',' << is_bad(i) << '\n';
      if (i % 2 == 0) labels << id(i) << ',' << is_bad(i) << '\n';
    }
  }

  TempDir dir_;

 public:
  const std::shared_ptr<const cascade::Bundle> bundle;
  const Table rows;
};

/// The lines of a text.
inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    lines.push_back(text.substr(at, text.find('\n', at) - at));
  return lines;
}

}  // namespace sluice::test
