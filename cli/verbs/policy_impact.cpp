#include "sluice/cli/verbs/policy_impact.h"

#include <filesystem>

#include "sluice/audit/decide_twice.h"
#include "sluice/audit/signature.h"
#include "sluice/audit/verify.h"
#include "sluice/base/error.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/verbs/late_labels.h"

namespace sluice::cli {
namespace {

constexpr std::size_t kBlockRows = 4096, kDescribed = 10;

std::string file_name(const std::string& path) {
  return path == "-" ? "standard input" : std::filesystem::path(path).filename().string();
}

audit::VerifyReport require_whole(const std::string& folder) {
  const auto verified = audit::verify_log(folder);
  if (!verified.is_whole())
    throw Error("log.damaged", to_string(verified.faults.front()), "sluice audit verify lists all faults");
  return verified;
}

}  // namespace

backtest::ImpactReport impact_on_data(const PolicyPair& policies, const ImpactSource& source, ThreadPool& pool,
                                      const Progress& progress) {
  const cascade::Engine before(policies.before), after(policies.after);
  const auto reader =
      open_rows(source.data, policies.before->schema,
                {.label_column = source.label, .positive = source.positive, .id_column = source.id, .pool = &pool});
  backtest::ImpactTally tally(*policies.before, *policies.after, source.options);
  io::RowBlock block;
  std::vector<cascade::Decision> then, now;
  while (reader->next(block, kBlockRows)) {
    then.resize(block.rows.n_rows());
    now.resize(block.rows.n_rows());
    before.decide_batch(block.rows.view(), then, &pool);
    after.decide_batch(block.rows.view(), now, &pool);
    for (std::size_t i = 0; i < then.size(); ++i)
      tally.add({.row = block.first_row + i,
                 .id = block.ids.empty() ? std::string_view() : block.ids[i],
                 .inputs = block.rows.row(i),
                 .before = then[i],
                 .after = now[i],
                 .is_bad = block.labels.empty() ? std::nullopt : std::optional(block.labels[i] > 0.5f)});
    sluice::report(progress, "deciding twice", reader->bytes_read(), reader->bytes_total());
  }
  print_warnings(*reader);
  auto report = tally.report();
  report.data = file_name(source.data);
  return report;
}

backtest::ImpactReport impact_on_log(const PolicyPair& policies, const ImpactSource& source, ThreadPool& pool,
                                     const Progress& progress) {
  const auto verified = require_whole(source.audit);
  std::optional<LateLabels> labels;
  if (!source.labels.empty()) labels.emplace(source.labels, source.id, source.label);
  backtest::ImpactTally tally(*policies.before, *policies.after, source.options);
  const auto replayed = audit::decide_twice(
      source.audit, policies.before, policies.after,
      [&](const audit::DecidedTwice& decided) {
        tally.add({.row = decided.index,
                   .id = decided.head.id,
                   .inputs = decided.inputs.row,
                   .before = decided.before,
                   .after = decided.after,
                   .is_bad = labels ? labels->is_bad(decided.head.id, source.positive) : std::nullopt,
                   .has_late = policies.before->schema.late_columns().empty() || decided.inputs.late.has_value()});
      },
      {.batch = kBlockRows, .pool = &pool, .max_differences = kDescribed, .progress = progress});
  auto report = tally.report();
  report.data = file_name(std::filesystem::path(source.audit).lexically_normal().string());
  report.log = {.log = audit::to_hex({reinterpret_cast<const char*>(verified.log.data()), verified.log.size()}),
                .root = verified.root.hex(),
                .n_entries = verified.n_entries,
                .n_covered = verified.n_covered,
                .n_different = replayed.n_different,
                .n_erased = replayed.n_erased,
                .n_other_bundle = replayed.n_other_bundle};
  for (const auto& d : replayed.differences)
    report.log->differences.push_back("entry " + std::to_string(d.index) + (d.id.empty() ? "" : " (" + d.id + ")") +
                                      ": " + d.what);
  return report;
}

}  // namespace sluice::cli
