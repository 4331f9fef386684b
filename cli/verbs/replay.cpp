#include <iostream>

#include "sluice/audit/replay.h"
#include "sluice/base/json_text.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/verbs.h"
#include "sluice/cli/verbs/row_reasons.h"

namespace sluice::cli {
namespace {

void print_report(const audit::ReplayReport& report, bool as_json) {
  if (!as_json) {
    for (const auto& d : report.differences)
      std::cout << "entry " << d.index << (d.id.empty() ? "" : " (" + d.id + ")") << ": " << d.what << "\n";
    std::cout << report.n_records << " records, " << report.n_different << " differ; " << report.n_erased << " erased, "
              << report.n_other_bundle << " decided by another bundle\n";
    return;
  }
  std::string text;
  JsonText json(text);
  json.open('{').field("records", report.n_records).field("different", report.n_different);
  json.field("erased", report.n_erased).field("other_bundle", report.n_other_bundle).key("differences").open('[');
  for (const auto& d : report.differences)
    json.open('{')
        .field("index", d.index)
        .field("id", std::string_view(d.id))
        .field("what", std::string_view(d.what))
        .close('}');
  json.close(']').close('}');
  std::cout << text << "\n";
}

}  // namespace

int run_replay(const Arguments& arguments) {
  std::string log, bundle, kernel = "auto";
  std::uint64_t batch = 4096;
  bool with_reasons = false;
  CommonOptions common;
  Options options("replay", "Decides every record of a log again and compares bit for bit. Exit code 3 if one differs.",
                  "sluice replay --audit log --bundle bundle");
  options.required("--audit", log, "decision-log directory").required("--bundle", bundle, "folder of the bundle");
  options.text("--kernel", kernel, "kernel of the forest: auto, scalar, avx2, avx512 or avx512-vbmi")
      .integer("--batch", batch, "records decided per batch")
      .flag("--reasons", with_reasons, "also recompute the reasons by attribution that `score --reasons` wrote");
  common.add_threads(options);
  common.add_device(options);
  common.add_plugins(options);
  common.add_json(options);
  if (!options.parse(arguments)) return 0;
  ThreadPool pool(common.n_threads);
  const auto loaded = load_bundle(bundle, common);
  audit::ReplayOptions replaying{.kernel = gbdt::parse_kernel(kernel), .batch = batch, .pool = &pool};
  const cascade::Engine engine(loaded);
  print_warnings(engine);
  const auto explainer = with_reasons ? make_row_explainer(engine) : nullptr;
  if (explainer)
    replaying.reasons = [&](RowView row, const cascade::Decision& decision) {
      return explain::record_reasons(explainer->explain(row, decision).reasons);
    };
  const auto report = audit::replay(log, loaded, replaying);
  print_report(report, common.json);
  return report.n_different == 0 ? 0 : kFound;
}

}  // namespace sluice::cli
