#include "sluice/dnn/weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/json_fields.h"

namespace sluice::dnn {
namespace {

static_assert(std::endian::native == std::endian::little,
              "safetensors is little-endian; this machine would need a byte swap here");

constexpr std::size_t kLengthBytes = 8;

Tensor read_tensor(const Json& entry, std::string_view data, const std::string& where) {
  if (!entry.is_object() || !entry.contains("dtype") || entry["dtype"] != "F32")
    throw Error("weights.dtype", where + ": only F32 tensors are read");
  Tensor tensor;
  std::size_t n_values = 1, begin = 0, end = 0;
  try {
    tensor.shape = entry.at("shape").get<std::vector<std::size_t>>();
    begin = entry.at("data_offsets").at(0).get<std::size_t>();
    end = entry.at("data_offsets").at(1).get<std::size_t>();
  } catch (const Json::exception&) {
    throw Error("weights.header", where + ": shape and data_offsets are wanted");
  }
  for (const std::size_t n : tensor.shape) {
    if (n != 0 && n_values > data.size() / n)
      throw Error("weights.shape", where + ": the shape is larger than the file");
    n_values *= n;
  }
  if (begin > end || end > data.size() || end - begin != n_values * sizeof(float))
    throw Error("weights.offsets", where + ": the data offsets do not fit the shape or the file",
                "the file is truncated or altered");
  tensor.values.resize(n_values);
  if (n_values > 0) std::memcpy(tensor.values.data(), data.data() + begin, end - begin);
  for (const float value : tensor.values)
    if (!std::isfinite(value)) throw Error("weights.not_finite", where + ": holds a value that is not finite");
  return tensor;
}

/// The format leaves no gap and lets no two tensors share bytes. `ranges`: first byte and length of each.
void check_tiling(std::vector<std::pair<std::size_t, std::size_t>> ranges, std::size_t n_bytes,
                  const std::string& source) {
  std::sort(ranges.begin(), ranges.end());
  std::size_t end = 0;
  for (const auto& [first, length] : ranges) {
    if (first != end)
      throw Error("weights.offsets", source + ": the tensors' data overlap or leave a gap", "the file is altered");
    end += length;
  }
  if (end != n_bytes)
    throw Error("weights.offsets", source + ": there are bytes that belong to no tensor", "the file is altered");
}

}  // namespace

std::string write_safetensors(const Tensors& tensors) {
  Json header = Json::object();
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size() * sizeof(float));
    header[name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  std::string text = header.dump();
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  const std::uint64_t length = text.size();
  std::string bytes(kLengthBytes, '\0');
  std::memcpy(bytes.data(), &length, kLengthBytes);
  return bytes + text + data;
}

Tensors read_safetensors(std::string_view bytes, std::string_view source_view) {
  const std::string source(source_view);
  std::uint64_t length = 0;
  if (bytes.size() >= kLengthBytes) std::memcpy(&length, bytes.data(), kLengthBytes);
  if (bytes.size() < kLengthBytes || length > bytes.size() - kLengthBytes)
    throw Error("weights.truncated", source + ": shorter than its header says", "copy the file again");
  const Json header = parse_json(bytes.substr(kLengthBytes, length), source, "weights.header");
  if (!header.is_object()) throw Error("weights.header", source + ": the header is no JSON object");
  const std::string_view data = bytes.substr(kLengthBytes + length);
  Tensors tensors;
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    const Tensor& tensor = tensors[name] = read_tensor(entry, data, source + " tensor " + name);
    ranges.emplace_back(entry["data_offsets"][0].get<std::size_t>(), tensor.values.size() * sizeof(float));
  }
  check_tiling(std::move(ranges), data.size(), source);
  return tensors;
}

}  // namespace sluice::dnn
