#pragma once
/// The order in which one epoch of training reads its rows. Not installed.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::dnn {

/// Row numbers: blocks in random order, with rows shuffled among `n_blocks` of them at a time. Data larger than memory
/// is read in whole runs, a few at a time.
std::vector<std::size_t> epoch_order(std::size_t n_rows, std::size_t block_rows, std::size_t n_blocks,
                                     std::uint64_t seed);

}  // namespace sluice::dnn
