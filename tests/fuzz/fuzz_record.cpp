#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "audit/record_oracle.h"
#include "sluice/audit/review.h"
#include "sluice/base/error.h"

namespace {

/// Bytes that decode as a review are those that it is written as.
void check_review(std::string_view text) {
  try {
    std::string again;
    sluice::audit::encode(again, sluice::audit::decode_review(text));
    if (again == text) return;
  } catch (const sluice::Error&) {
    return;
  }
  std::fprintf(stderr, "a review decodes and is written otherwise\n");
  std::abort();
}

}  // namespace

/// Bytes that decode are those that the written format gives for what they say.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  check_review(text);
  try {
    const auto record = sluice::audit::decode(text);
    if (sluice::test::plain_record(record) != text) {
      std::fprintf(stderr, "a record decodes and is written otherwise\n");
      std::abort();
    }
    std::string json;
    sluice::audit::append_json(json, record, nullptr);
  } catch (const sluice::Error&) {
    // A refusal is an answer; any other exception is a finding.
  }
  return 0;
}
