#include "sluice/dnn/train/epoch_order.h"

#include <algorithm>
#include <numeric>

#include "sluice/base/random.h"

namespace sluice::dnn {

std::vector<std::size_t> epoch_order(std::size_t n_rows, std::size_t block_rows, std::size_t n_blocks,
                                     std::uint64_t seed) {
  Random random(seed, 1);
  std::vector<std::size_t> blocks((n_rows + block_rows - 1) / block_rows), order, window;
  std::iota(blocks.begin(), blocks.end(), std::size_t{0});
  random.shuffle(blocks);
  order.reserve(n_rows);
  for (std::size_t b = 0; b < blocks.size(); b += n_blocks) {
    window.clear();
    for (std::size_t k = b; k < std::min(b + n_blocks, blocks.size()); ++k)
      for (std::size_t i = blocks[k] * block_rows; i < std::min((blocks[k] + 1) * block_rows, n_rows); ++i)
        window.push_back(i);
    random.shuffle(window);
    order.insert(order.end(), window.begin(), window.end());
  }
  return order;
}

}  // namespace sluice::dnn
