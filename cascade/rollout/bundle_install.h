#pragma once
/// Puts a bundle where a service reads it, and keeps what stood there.

#include <filesystem>
#include <string>

#include "sluice/base/digest.h"

namespace sluice::cascade {

struct Installed {
  Digest digest;                   // now at the target
  std::filesystem::path previous;  // where the bundle went that stood there; empty for none
};

/// Copies `candidate` beside `target`, loads the copy, and exchanges the two folders in one step of the file system:
/// whoever loads `target` gets the old bundle or the new one, whole. What stood there becomes TARGET.previous, in place
/// of an earlier one. A line goes to TARGET.history.jsonl first: kind, bundle, policy_version, time_us, who, why.
/// Throws, with `target` as it was, Error{bundle.*, file.write} and what Bundle::load throws. One process at a time.
Installed install_bundle(const std::filesystem::path& candidate, const std::filesystem::path& target,
                         const std::string& who, const std::string& why);

}  // namespace sluice::cascade
