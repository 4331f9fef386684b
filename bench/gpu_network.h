#pragma once
/// The networks of the GPU benchmark, with random weights, and their way to the peer that runs them in Python.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/dnn/network.h"

namespace sluice::bench {

struct GpuNetwork {
  std::string name;
  std::vector<std::size_t> hidden;
  std::size_t n_paths = 1;
  dnn::Tensors tensors;
  std::shared_ptr<const dnn::Network> network;

  /// Fused multiply-adds of a row.
  double n_fma() const;
};

/// One member with so many dense inputs and no embeddings.
GpuNetwork gpu_network(const std::string& name, std::size_t n_inputs, const std::vector<std::size_t>& hidden,
                       std::size_t n_paths);

FloatTable random_rows(const GpuNetwork& network, std::size_t n_rows);

/// `folder`/<name>.safetensors with the tensors, and with rows and their margins as "rows" and "margins".
void write_case(const GpuNetwork& network, const FloatTable& rows, const std::vector<float>& margins,
                const std::filesystem::path& folder);

}  // namespace sluice::bench
