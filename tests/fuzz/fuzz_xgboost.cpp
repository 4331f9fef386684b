#include <cstdint>

#include "check_forest.h"
#include "sluice/base/error.h"
#include "sluice/gbdt/load_xgboost.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  try {
    sluice::test::check_forest(sluice::gbdt::load_xgboost({reinterpret_cast<const char*>(bytes), size}, "fuzz"));
  } catch (const sluice::Error&) {
    // A refusal is an answer; any other exception is a finding.
  }
  return 0;
}
