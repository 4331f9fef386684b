#include "sluice/cli/common_options.h"

#include "sluice/cli/terminal.h"
#include "sluice/dnn/executor.h"

namespace sluice::cli {

std::shared_ptr<const cascade::Bundle> load_bundle(const std::string& path, const CommonOptions& common) {
  auto bundle = std::make_shared<cascade::Bundle>(cascade::Bundle::load(path, {.plugins = common.plugins}));
  if (common.device != "auto") bundle->policy.network.device = dnn::parse_device(common.device);
  return bundle;
}

std::unique_ptr<io::RecordReader> open_table(const std::string& path) {
  return io::open_records(path, make_progress(true));
}

std::unique_ptr<io::RowReader> open_rows(const std::string& path, const Schema& schema, io::RowReaderOptions options) {
  return std::make_unique<io::RowReader>(open_table(path), schema, std::move(options));
}

void print_warnings(const io::RowReader& reader) {
  for (const auto& warning : reader.warnings()) warn(warning);
}

void print_warnings(const cascade::Engine& engine) {
  for (const auto& warning : engine.warnings()) warn(warning);
}

}  // namespace sluice::cli
