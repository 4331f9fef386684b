#pragma once
/// Finds outputs that would destroy an input.

#include <string>
#include <vector>

namespace sluice::cli {

struct NamedPath {
  std::string name;  // of the flag or argument: "--out"
  const std::string* path = nullptr;
};

/// Why an output must not be written: it is also an input or another output, or it is inside a bundle or log that is
/// read. Empty if there is no such reason. Links and other spellings of a path are followed. "", "-", pipes and devices
/// never conflict.
std::string conflict_of(const std::vector<NamedPath>& outputs, const std::vector<NamedPath>& inputs);

}  // namespace sluice::cli
