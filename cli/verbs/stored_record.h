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
  double p_final = 0;  // NaN where none was stored
};

/// The only record of the file, or the one that --row or --id names (empty: not asked for). Throws Error{record.*}
/// naming file and line: none or several that match, another bundle's, no inputs, an input that the schema does not
/// know or cannot read.
StoredRecord read_stored_record(const std::string& path, const std::string& row, const std::string& id,
                                const cascade::Bundle& bundle);

/// "" where the decision is the stored one; otherwise what differs.
std::string difference(const StoredRecord& stored, const cascade::Decision& decision);

}  // namespace sluice::cli
