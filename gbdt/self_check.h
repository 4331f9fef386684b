#pragma once
/// Tests the forest kernels of this processor on forests of every shape that they treat differently.
/// Thread-safety: all functions are thread-safe.

#include <string>
#include <vector>

namespace sluice::gbdt {

/// Forest::warnings of generated forests: small trees, heaps of one to six levels, deeper ones, wide ones, categories,
/// several groups. Empty if every method of every kernel gives the plain walk's margins. Takes a few milliseconds.
std::vector<std::string> self_check();

}  // namespace sluice::gbdt
