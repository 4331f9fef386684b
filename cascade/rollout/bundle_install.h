#pragma once
/// Installs a bundle where a service reads it, and keeps the previous one.
///
/// Thread-safety: one call per target at a time, over all processes.

#include <filesystem>
#include <string>

#include "sluice/base/digest.h"

namespace sluice::cascade {

struct Installed {
  Digest digest;                   // now at the target
  std::filesystem::path previous;  // the folder of the replaced bundle; empty if there was none
};

/// Copies `candidate` next to `target`, loads the copy, and exchanges the two folders atomically: a process that opens
/// `target` finds either the old bundle or the new one, complete. The old bundle becomes TARGET.previous and replaces
/// an earlier one. Before the exchange, a line is appended to TARGET.history.jsonl: kind, bundle, policy_version,
/// time_us, who, why. Throws Error{bundle.*, file.*} and what Bundle::load throws; `target` is then unchanged, unless
/// only moving the old bundle to TARGET.previous failed.
Installed install_bundle(const std::filesystem::path& candidate, const std::filesystem::path& target,
                         const std::string& who, const std::string& why);

}  // namespace sluice::cascade
