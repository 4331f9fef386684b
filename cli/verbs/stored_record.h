#pragma once
/// A decision as `score` stored it, read back from a line of its .jsonl output.

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/bundle/bundle.h"
#include "sluice/cascade/decision.h"

namespace sluice::cli {

struct StoredRecord {
  std::string id;
  std::uint64_t row = 0;
  std::vector<double> inputs;  // in schema order
  std::string action, level;
  double p_final = 0;  // NaN if none was stored
};

/// The only record of the file, or the one that --row or --id selects (empty: any). Throws Error{record.*} naming file
/// and line if no record or several match, another bundle decided, the inputs are missing, or the schema does not know
/// or cannot read one of them.
StoredRecord read_stored_record(const std::string& path, const std::string& row, const std::string& id,
                                const cascade::Bundle& bundle);

/// "" if the decision equals the stored one; otherwise what differs.
std::string difference(const StoredRecord& stored, const cascade::Decision& decision);

}  // namespace sluice::cli
