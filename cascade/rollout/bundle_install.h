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

/// Copies what the manifest of `candidate` names next to `target`, loads the copy, and exchanges the two folders: a
/// process that opens `target` finds either the old bundle or the new one, complete (base/folder.h: on a file system
/// that cannot exchange names, none for a moment). After the exchange, a line is appended to TARGET.history.jsonl:
/// kind, bundle, policy_version, time_us, who, why. If that fails, the exchange is taken back. Last, the old bundle
/// becomes TARGET.previous and replaces an earlier one.
///
/// Throws Error{bundle.*, file.*} and what Bundle::load throws. `target` and the history are then unchanged and nothing
/// is left next to them, unless the message says that the target is replaced. Runs no code of an imported network.
Installed install_bundle(const std::filesystem::path& candidate, const std::filesystem::path& target,
                         const std::string& who, const std::string& why);

}  // namespace sluice::cascade
