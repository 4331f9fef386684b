#include <cstdint>

#include "check_network.h"
#include "sluice/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  try {
    sluice::test::check_network({reinterpret_cast<const char*>(bytes), size});
  } catch (const sluice::Error&) {
    // A refusal is an answer; any other exception is a finding.
  }
  return 0;
}
