#pragma once
/// What every network that loads must bear: each kernel gives the same bits on rows that its encoder can give.

#include <string_view>

namespace sluice::test {

/// `bytes`: a parity.json, a zero byte, a network.json of the columns x, y (numbers) and word (category: a, b, c), a
/// zero byte, a safetensors file. Of an imported network, what is read before its runtime. Aborts, with a line on
/// stderr, where two kernels differ; throws Error where a reader refuses.
void check_network(std::string_view bytes);

}  // namespace sluice::test
