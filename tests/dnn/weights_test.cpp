#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

#include "dnn_support.h"
#include "sluice/base/error.h"
#include "sluice/dnn/weights.h"
#include "support/catch.h"

namespace sluice::test {
namespace {

dnn::Tensors some_tensors() {
  Random random(3);
  dnn::Tensors tensors = {{"b", random_tensor({3}, 1, random)},
                          {"a", random_tensor({2, 4}, 1, random)},
                          {"empty", {{0}, {}}},
                          {"scalar", {{}, {1.5f}}}};
  tensors["b"].values = {0.0f, -0.0f, std::numeric_limits<float>::denorm_min()};
  return tensors;
}

/// A file with this header and this number of zero bytes.
std::string file_of(const std::string& header, std::size_t n_bytes) {
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(n_bytes, '\0');
}

std::string code_of(const std::string& bytes) {
  try {
    dnn::read_safetensors(bytes, "w.safetensors");
  } catch (const Error& e) {
    CHECK(e.message().find("w.safetensors") != std::string::npos);
    return e.code();
  }
  return "";
}

}  // namespace

TEST_CASE("tensors read back to the same bits, and their bytes follow the format") {
  const auto tensors = some_tensors();
  const std::string bytes = dnn::write_safetensors(tensors);
  CHECK(bytes == dnn::write_safetensors(tensors));
  const auto back = dnn::read_safetensors(bytes, "w.safetensors");
  REQUIRE(back.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) {
    CHECK(back.at(name).shape == tensor.shape);
    CHECK(bits(back.at(name).values) == bits(tensor.values));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  CHECK(length % 8 == 0);
  const auto header = nlohmann::json::parse(bytes.substr(8, length));
  for (const auto& [name, tensor] : tensors) {
    const std::size_t begin = header[name]["data_offsets"][0], end = header[name]["data_offsets"][1];
    const std::string_view values(reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size() * 4);
    CHECK(std::string_view(bytes).substr(8 + length + begin, end - begin) == values);
  }
}

TEST_CASE("a file truncated anywhere is rejected, and a byte altered anywhere is rejected or gives finite tensors") {
  const std::string bytes = dnn::write_safetensors(some_tensors());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    REQUIRE(code_of(bytes.substr(0, size)) != "");
  }
  CHECK(code_of(bytes + "x") != "");
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (const int mask : {0x01, 0x10, 0x80, 0xff}) {
      std::string altered = bytes;
      altered[i] = static_cast<char>(altered[i] ^ mask);
      try {
        for (const auto& [name, tensor] : dnn::read_safetensors(altered, "altered"))
          for (const float value : tensor.values) REQUIRE(std::isfinite(value));
      } catch (const Error&) {
        SUCCEED();
      }
    }
}

TEST_CASE("false headers are rejected by name") {
  CHECK(code_of(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8)) == "");
  CHECK(code_of(file_of(R"({"a":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}})", 8)) == "weights.dtype");
  CHECK(code_of(file_of(R"({"a":{"dtype":32,"shape":[2],"data_offsets":[0,8]}})", 8)) == "weights.dtype");
  CHECK(code_of(file_of(R"({"a":7})", 8)) == "weights.dtype");
  CHECK(code_of(file_of(R"({"a":{"dtype":"F32","shape":"2","data_offsets":[0,8]}})", 8)) == "weights.header");
  CHECK(code_of(file_of(R"({"a":{"dtype":"F32","shape":[2]}})", 8)) == "weights.header");
  CHECK(code_of(file_of(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})", 8)) ==
        "weights.shape");
  CHECK(code_of(file_of(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8)) != "");
  CHECK(code_of(file_of(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8)) == "weights.offsets");
  CHECK(code_of(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8)) == "weights.offsets");
  CHECK(
      code_of(file_of(
          R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
          8)) == "weights.offsets");
  CHECK(code_of(file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8)) == "weights.offsets");
  CHECK(code_of(file_of("[]", 0)) == "weights.header");
  CHECK(code_of(file_of("{", 0)) == "weights.header");
}

}  // namespace sluice::test
