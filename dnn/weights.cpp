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
              "safetensors is little-endian; a big-endian machine needs a byte swap here");

constexpr std::size_t kLengthBytes = 8;

/// Whole numbers >= 0. Error{weights.header} for any other value: -2 and 2.5 would be converted.
std::vector<std::size_t> sizes(const Json& entry, const char* key, const std::string& where) {
  const auto list = entry.find(key);
  const bool good = list != entry.end() && list->is_array() &&
                    std::all_of(list->begin(), list->end(), [](const Json& n) { return n.is_number_unsigned(); });
  if (!good) throw Error("weights.header", where + ": " + key + " must be a list of whole numbers");
  return list->get<std::vector<std::size_t>>();
}

/// The range of a tensor's values in the data.
struct Extent {
  std::string name;
  std::vector<std::size_t> shape;
  std::size_t begin = 0, end = 0;
};

Extent read_extent(const std::string& name, const Json& entry, std::size_t n_bytes, const std::string& where) {
  if (!entry.is_object() || !entry.contains("dtype") || entry["dtype"] != "F32")
    throw Error("weights.dtype", where + ": only F32 tensors are supported");
  const std::vector<std::size_t> offsets = sizes(entry, "data_offsets", where);
  if (offsets.size() != 2) throw Error("weights.header", where + ": data_offsets must be two numbers");
  Extent extent{name, sizes(entry, "shape", where), offsets[0], offsets[1]};
  std::size_t n_values = 1;
  for (const std::size_t n : extent.shape) {
    if (n != 0 && n_values > n_bytes / n) throw Error("weights.shape", where + ": the shape is larger than the file");
    n_values *= n;
  }
  if (extent.begin > extent.end || extent.end > n_bytes || extent.end - extent.begin != n_values * sizeof(float))
    throw Error("weights.offsets", where + ": the data offsets do not match the shape or the file",
                "the file is truncated or altered");
  return extent;
}

/// The format allows no gaps and no shared bytes: the copy is never larger than the file.
void check_tiling(std::vector<Extent>& extents, std::size_t n_bytes, const std::string& source) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  std::size_t end = 0;
  for (const Extent& extent : extents) {
    if (extent.begin != end)
      throw Error("weights.offsets", source + ": the tensors' data overlap or leave a gap",
                  "the file was altered; copy it again");
    end = extent.end;
  }
  if (end != n_bytes)
    throw Error("weights.offsets", source + ": some bytes belong to no tensor", "the file was altered; copy it again");
}

Tensor copy_tensor(const Extent& extent, std::string_view data, const std::string& source) {
  Tensor tensor{extent.shape, std::vector<float>((extent.end - extent.begin) / sizeof(float))};
  if (!tensor.values.empty()) std::memcpy(tensor.values.data(), data.data() + extent.begin, extent.end - extent.begin);
  for (const float value : tensor.values)
    if (!std::isfinite(value))
      throw Error("weights.not_finite", source + " tensor " + extent.name + ": a value is not finite");
  return tensor;
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
    throw Error("weights.truncated", source + ": the file is shorter than its header requires", "copy the file again");
  const Json header = parse_json(bytes.substr(kLengthBytes, length), source, "weights.header");
  if (!header.is_object()) throw Error("weights.header", source + ": the header is not a JSON object");
  const std::string_view data = bytes.substr(kLengthBytes + length);
  std::vector<Extent> extents;
  for (const auto& [name, entry] : header.items())
    if (name != "__metadata__") extents.push_back(read_extent(name, entry, data.size(), source + " tensor " + name));
  check_tiling(extents, data.size(), source);
  Tensors tensors;
  for (const Extent& extent : extents) tensors[extent.name] = copy_tensor(extent, data, source);
  return tensors;
}

}  // namespace sluice::dnn
