#pragma once
/// What every forest that loads must bear: each kernel gives a plain walk's bits on odd rows.

#include "sluice/gbdt/forest.h"

namespace sluice::test {

/// Aborts, with a line on stderr, where two numbers differ.
void check_forest(const gbdt::Forest& forest);

}  // namespace sluice::test
