#pragma once
/// The forest kernels of this processor, tried on forests of every shape that they treat differently.

#include <string>
#include <vector>

namespace sluice::gbdt {

/// Forest::warnings of forests made for this: small trees, heaps of one to six levels, deeper ones, wide ones,
/// categories, several groups. Empty where every method of every kernel gives the plain walk's margins. A few
/// milliseconds.
std::vector<std::string> self_check();

}  // namespace sluice::gbdt
