#pragma once
/// A case of the network bench: a random network of a named shape and rows for it, as files that every peer reads.
///
///   case.json               name, n_rows, n_dense, paths, dimension, n_bins, n_layers, tensors: {name: shape}
///   NAME.f32                a tensor, named as in docs/bundle_format.md without its member
///   rows.f32, margins.f32   encoded rows [n_rows, n_dense + 1], the last column the forest's margin; and our margins
///
/// All floats are float32, little-endian, row after row.

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/dnn/network.h"

namespace sluice::bench {

struct NetworkCase {
  std::string name;
  dnn::MemberShape shape;
  dnn::Tensors tensors;
  FloatTable rows;
  std::vector<float> margins;
};

std::vector<std::string> network_case_names();
/// Makes and writes one.
void make_network_case(std::string_view name, const std::filesystem::path& folder);
NetworkCase read_network_case(const std::filesystem::path& folder);
std::shared_ptr<const dnn::Network> network_of(const NetworkCase& of);

}  // namespace sluice::bench
