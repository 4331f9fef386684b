#include <cstring>
#include <filesystem>
#include <string>

#include "dnn_support.h"
#include "fuzz/check_network.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/random.h"
#include "sluice/dnn/network.h"
#include "sluice/dnn/weights.h"
#include "support/allocations.h"
#include "support/catch.h"

namespace sluice::test {
namespace {

const std::filesystem::path kCorpus = std::filesystem::path(SLUICE_SOURCE_DIR) / "tests/fuzz/corpus/dnn";

std::string with_header(const std::string& header, const std::string& data = "") {
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

std::string tensor(const std::string& name, const std::string& shape, const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

std::string code_of(const std::string& bytes) {
  try {
    dnn::read_safetensors(bytes, "w");
  } catch (const Error& e) {
    return e.code();
  }
  return "";
}

std::string network_code(const std::string& bytes) {
  try {
    check_network(bytes);
  } catch (const Error& e) {
    return e.code();
  }
  return "";
}

/// Some bytes altered, duplicated or removed.
std::string mutated(std::string bytes, Random& random) {
  for (std::size_t n = 1 + random.below(4); n > 0; --n) {
    const std::size_t at = random.below(bytes.size()), length = 1 + random.below(12);
    if (random.below(3) == 0)
      bytes.insert(at, bytes.substr(random.below(bytes.size()), length));
    else if (random.below(2) == 0 && bytes.size() > 64)
      bytes.erase(at, length);
    else
      bytes[at] = static_cast<char>(random.below(256));
  }
  return bytes;
}

}  // namespace

TEST_CASE("shapes of any size are rejected before memory is allocated for them") {
  const std::string huge[] = {"[1099511627776]",
                              "[1048576,1048576]",
                              "[1099511627776,0]",
                              "[4294967296,4294967296]",
                              "[18446744073709551615,2]",
                              "[4611686018427387904,4]",
                              "[18446744073709551616]",
                              "[-1]",
                              "[-4,-4]",
                              "[1e300]",
                              "[2.0]",
                              "[true]"};
  for (const auto& shape : huge) {
    CAPTURE(shape);
    const std::string bytes = with_header("{" + tensor("a", shape, "[0,8]") + "}", std::string(8, '\0'));
    const std::size_t before = bytes_allocated();
    const std::string code = code_of(bytes);
    CHECK(bytes_allocated() - before < 100000);
    CHECK((code == "weights.shape" || code == "weights.header"));
  }
}

TEST_CASE("a header of many tensors that share the same bytes is rejected before they are copied") {
  const std::string data(1 << 20, '\0');
  std::string header = "{";
  for (int k = 0; k < 1000; ++k) header += (k ? "," : "") + tensor("t" + std::to_string(k), "[262144]", "[0,1048576]");
  const std::string bytes = with_header(header + "}", data);
  const std::size_t before = bytes_allocated();
  CHECK(code_of(bytes) == "weights.offsets");
  CHECK(bytes_allocated() - before < (std::size_t{20} << 20));
}

TEST_CASE(
    "data offsets that overlap, leave gaps, decrease or have the wrong type are rejected, and their order is free") {
  const auto two = [](const std::string& a, const std::string& b) {
    return code_of(with_header("{" + tensor("a", "[1]", a) + "," + tensor("b", "[1]", b) + "}", std::string(8, '\0')));
  };
  CHECK(two("[0,4]", "[4,8]") == "");
  CHECK(two("[4,8]", "[0,4]") == "");
  CHECK(two("[0,4]", "[0,4]") == "weights.offsets");
  CHECK(two("[0,4]", "[2,6]") == "weights.offsets");
  CHECK(two("[0,4]", "[8,12]") == "weights.offsets");
  CHECK(two("[4,0]", "[4,8]") == "weights.offsets");
  CHECK(two("[0,4]", "[4]") == "weights.header");
  CHECK(two("[0,4]", "[4,8,12]") == "weights.header");
  CHECK(two("[0,4]", "[4.0,8.0]") == "weights.header");
  CHECK(two("[0,4]", "[18446744073709551612,18446744073709551615]") == "weights.offsets");
}

TEST_CASE("a header that is nested too deeply, duplicated or truncated is rejected") {
  const std::string deep = "{\"a\":" + std::string(200000, '[') + std::string(200000, ']') + "}";
  CHECK(code_of(with_header(deep)) == "weights.header");
  CHECK(code_of(with_header(std::string(200000, '['))) == "weights.header");
  const std::string one = tensor("a", "[1]", "[0,4]");
  CHECK(code_of(with_header("{" + one + "," + one + "}", std::string(4, '\0'))) == "weights.header");
  std::string cut = with_header("{" + one + "}", std::string(4, '\0'));
  cut[7] = '\x7f';  // a header of 2^62 bytes
  CHECK(code_of(cut) == "weights.truncated");
}

TEST_CASE("the fuzzer's corpus loads as its file names state") {
  for (const char* name : {"imported", "linear", "deep", "paths", "facts"}) {
    CAPTURE(name);
    CHECK(network_code(read_file(kCorpus / name)) == "");
  }
  CHECK(network_code(read_file(kCorpus / "claims_2_to_the_40")) == "weights.shape");
}

TEST_CASE("mutated networks are rejected, or give the same bits from every kernel") {
  Random random(5);
  std::size_t n_loaded = 0, n_refused = 0;
  for (const char* name : {"imported", "linear", "deep", "paths", "facts"}) {
    const std::string seed = read_file(kCorpus / name);
    for (int k = 0; k < 4000; ++k) ++(network_code(mutated(seed, random)).empty() ? n_loaded : n_refused);
  }
  CHECK(n_loaded > 100);
  CHECK(n_refused > 1000);
}

}  // namespace sluice::test
