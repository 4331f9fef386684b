#pragma once
/// Makes decisions to log, and reads logs back as lists of ids.

#include <filesystem>
#include <string>
#include <vector>

#include "sluice/audit/decision_record.h"
#include "sluice/audit/log.h"
#include "sluice/audit/log/log_reader.h"
#include "sluice/cascade/engine.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {

constexpr std::int64_t kNoon = 1'700'000'000'000'000;  // µs since 1970

/// A small bundle's decisions for random rows, which `append` logs with ids, subjects and times.
class Decided {
 public:
  explicit Decided(std::size_t n_rows = 64, const SmallBundleOptions& options = {.with_rules = true})
      : bundle(small_bundle(dir_ / "bundle", 1, options)), engine(bundle), rows(small_rows(bundle->schema, n_rows, 2)) {
    for (std::size_t i = 0; i < n_rows; ++i) decisions.push_back(engine.decide(rows.row(i)));
  }

  audit::Appended append(audit::Log& log, std::uint64_t number, const std::string& prefix = "r") const {
    const std::string id = prefix + std::to_string(number);
    const auto time = kNoon + static_cast<std::int64_t>(number);
    const std::size_t i = number % decisions.size();
    return log.append(*bundle, decisions[i],
                      {.id = id,
                       .subject = log.subject_reference("person " + std::to_string(number % 5)),
                       .time_in_us = time,
                       .time_out_us = time,
                       .row = rows.row(i)});
  }

 private:
  TempDir dir_;

 public:
  const std::shared_ptr<const cascade::Bundle> bundle;
  const cascade::Engine engine;
  const Table rows;
  std::vector<cascade::Decision> decisions;
};

/// The ids of a log's decisions, "erased" for those whose key is erased; "!erasure", "!recovery" etc. for other kinds.
inline std::vector<std::string> ids_of(const std::filesystem::path& folder) {
  std::vector<std::string> ids;
  audit::LogReader reader(folder);
  audit::PayloadReader payloads(folder);
  for (audit::EntryView entry; reader.next(entry);) {
    if (entry.header.kind == audit::EntryKind::decision) {
      const auto payload = payloads.read(entry);
      ids.push_back(payload ? audit::decode(*payload).head.id : "erased");
    } else {
      static constexpr const char* kNames[] = {"", "", "!erasure", "!recovery", "!review", "!retention", "!adoption"};
      ids.emplace_back(kNames[static_cast<std::size_t>(entry.header.kind)]);
    }
  }
  reader.require_sound();
  return ids;
}

}  // namespace sluice::test
