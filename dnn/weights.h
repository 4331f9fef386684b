#pragma once
/// Named float32 tensors and their file format, safetensors (huggingface/safetensors, format description in its
/// README): an 8-byte little-endian header length, a JSON header {name: {dtype, shape, data_offsets}}, then the bytes.
/// Thread-safety: all functions are thread-safe.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::dnn {

struct Tensor {
  std::vector<std::size_t> shape;
  std::vector<float> values;  // row-major; their number is the product of `shape`
};

using Tensors = std::map<std::string, Tensor>;

/// Equal tensors give equal bytes.
std::string write_safetensors(const Tensors& tensors);

/// Throws Error{weights.*} with `source` and the tensor: truncated or overlapping data, a dtype other than F32,
/// non-finite values.
Tensors read_safetensors(std::string_view bytes, std::string_view source);

}  // namespace sluice::dnn
