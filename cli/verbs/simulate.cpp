#include <iostream>

#include "sluice/base/file.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/terminal.h"
#include "sluice/cli/verbs.h"
#include "sluice/io/simulate.h"

namespace sluice::cli {

int run_simulate(const Arguments& arguments) {
  std::string out, schema_out;
  io::SimulateOptions simulation;
  CommonOptions common;
  Options options("simulate",
                  "Writes card transactions with fraud scenarios, drift and late labels. The same seed gives the same "
                  "bytes.",
                  "sluice simulate --rows 10000 --seed 1 --out transactions.csv");
  options.integer("--rows", simulation.n_rows, "number of transactions")
      .required_output("--out", out, "output CSV file; - for standard output")
      .text("--schema-out", schema_out, "output file for the columns' schema as JSON");
  common.add_seed(options);
  common.add_quiet(options);
  if (!options.parse(arguments)) return 0;
  simulation.seed = common.seed;
  if (!schema_out.empty()) write_file(schema_out, io::simulated_schema().to_json());
  const Progress progress = make_progress(common.quiet);
  if (out == "-") {
    io::simulate(simulation, [](std::string_view text) { std::cout << text; }, progress);
    return 0;
  }
  AtomicFile file(out);
  io::simulate(simulation, [&](std::string_view text) { file.write(text); }, progress);
  file.commit();
  return 0;
}

}  // namespace sluice::cli
