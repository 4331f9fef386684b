#pragma once
/// Flags that mean the same for every verb, and helpers that apply them.

#include <memory>
#include <string>

#include "sluice/base/thread_pool.h"
#include "sluice/bundle/bundle.h"
#include "sluice/cascade/engine.h"
#include "sluice/cli/options.h"
#include "sluice/io/rows.h"

namespace sluice::cli {

struct CommonOptions {
  std::uint64_t n_threads = 0;  // 0: as many as processors
  std::uint64_t seed = 1;
  std::string device = "auto";
  std::string plugins;  // empty: no imported network runs
  bool quiet = false;
  bool json = false;

  void add_threads(Options& options) {
    options.integer("--threads", n_threads, "worker threads; 0 for one per processor");
  }
  void add_seed(Options& options) { options.integer("--seed", seed, "seed of all random numbers"); }
  void add_device(Options& options) {
    options.text("--device", device, "where the network runs: auto, cpu, cuda or cuda:N");
  }
  void add_plugins(Options& options) {
    options.text("--allow-plugins", plugins,
                 "folder of the plug-ins that may run an imported network, which is code of its author");
  }
  void add_quiet(Options& options) { options.flag("--quiet", quiet, "do not show progress"); }
  void add_json(Options& options) { options.flag("--json", json, "print JSON to standard output instead of a table"); }
};

/// Loads a bundle. A device other than "auto" overrides the device in its policy. Its imported network runs only with
/// the plug-ins of --allow-plugins.
std::shared_ptr<const cascade::Bundle> load_bundle(const std::string& path, const CommonOptions& common);

/// Opens a data file; "-" is standard input. Ctrl-C and SIGTERM stop a read that waits.
std::unique_ptr<io::RecordReader> open_table(const std::string& path);
/// Opens a data file as rows of a schema. Call print_warnings when all rows are read.
std::unique_ptr<io::RowReader> open_rows(const std::string& path, const Schema& schema, io::RowReaderOptions options);
void print_warnings(const io::RowReader& reader);
/// Faults found in the bundle's forests.
void print_warnings(const cascade::Engine& engine);

}  // namespace sluice::cli
