#include "check_network.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "sluice/dnn/executor.h"
#include "sluice/dnn/imported.h"
#include "sluice/dnn/network.h"
#include "sluice/dnn/parity_sample.h"

namespace sluice::test {
namespace {

/// What stands before the next zero byte, taken off `bytes`.
std::string_view take_text(std::string_view& bytes) {
  const std::size_t end = std::min(bytes.find('\0'), bytes.size());
  const std::string_view text = bytes.substr(0, end);
  bytes.remove_prefix(std::min(end + 1, bytes.size()));
  return text;
}

std::vector<float> margins_of(const std::shared_ptr<const dnn::Network>& network, BatchView encoded,
                              dnn::DenseKernel kernel) {
  std::vector<float> margins(encoded.n_rows);
  dnn::make_executor(network, dnn::Device::cpu, kernel)->forward(encoded, margins);
  return margins;
}

/// NaN is NaN: which one is the processor's choice.
bool same(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (a != a && b != b);
}

void compare_kernels(const std::shared_ptr<const dnn::Network>& network, BatchView encoded) {
  const auto expected = margins_of(network, encoded, dnn::DenseKernel::scalar);
  for (const auto kernel : dnn::dense_kernels()) {
    const auto actual = margins_of(network, encoded, kernel);
    for (std::size_t i = 0; i < actual.size(); ++i) {
      if (same(actual[i], expected[i])) continue;
      std::fprintf(stderr, "row %zu: %s gives %.9g, scalar %.9g\n", i, std::string(to_string(kernel)).c_str(),
                   static_cast<double>(actual[i]), static_cast<double>(expected[i]));
      std::abort();
    }
  }
}

}  // namespace

void check_network(std::string_view bytes) {
  static const Schema schema(
      {{.name = "x"}, {.name = "y"}, {.name = "word", .kind = Kind::category, .vocabulary = {"a", "b", "c"}}});
  const std::string_view parity = take_text(bytes), json = take_text(bytes);
  if (dnn::is_imported(json)) {
    const auto imported = dnn::read_imported(json, schema, "fuzz");
    (void)dnn::read_parity_sample(parity, imported.encoder, "fuzz");
    return;
  }
  const auto network = std::make_shared<dnn::Network>(dnn::Network::load(json, bytes, schema, "fuzz"));
  compare_kernels(network, dnn::parity_rows(network->encoder(), 5).view());
  const auto sample = dnn::read_parity_sample(parity, network->encoder(), "fuzz");
  compare_kernels(network, sample.encoded.view());
}

}  // namespace sluice::test
