#include "io_support.h"
#include "sluice/base/random.h"
#include "sluice/io/arrow_ipc.h"

using namespace sluice;
using namespace sluice::io;
using test::TempDir;

namespace {

/// The number of rows in `bytes`, or -1 if they are rejected. Any exception but an Error of the family fails the test.
int rows_or_refused(const TempDir& folder, const std::string& bytes) {
  try {
    ArrowRecordReader reader(test::written(folder, "t.arrow", bytes).string());
    std::vector<std::string_view> fields;
    int n_rows = 0;
    std::size_t n_bytes = 0;
    while (reader.next(fields)) {
      ++n_rows;
      // Reads every byte, so that the sanitizers can check it.
      for (const auto field : fields)
        for (const char c : field) n_bytes += c != '\0';
      REQUIRE(n_bytes < 1'000'000);
    }
    return n_rows;
  } catch (const Error& e) {
    const bool is_known = e.code().starts_with("arrow.") || e.code() == "csv.gzip";
    INFO(e.what());
    REQUIRE(is_known);
    return -1;
  }
}

std::string golden(const char* name) {
  return read_file(std::filesystem::path(SLUICE_SOURCE_DIR) / "tests/data" / name);
}

}  // namespace

TEST_CASE("an altered file is read or rejected without undefined behaviour") {
  const TempDir folder;
  Random random(31);
  int n_refused = 0;
  for (const char* name : {"arrow_golden.arrows", "arrow_golden.arrow"}) {
    const std::string whole = golden(name);
    for (int round = 0; round < 2500; ++round) {
      std::string bytes = whole;
      for (auto n = 1 + random.below(3); n > 0; --n)
        bytes[random.below(bytes.size())] = static_cast<char>(random.next());
      CAPTURE(name, round);
      n_refused += rows_or_refused(folder, bytes) < 0;
    }
  }
  REQUIRE(n_refused > 1000);
}

TEST_CASE("a file truncated anywhere is rejected") {
  const TempDir folder;
  for (const char* name : {"arrow_golden.arrows", "arrow_golden.arrow"}) {
    const std::string whole = golden(name);
    REQUIRE(rows_or_refused(folder, whole) == 8);
    for (std::size_t n = 0; n < whole.size(); n += 1 + n % 3) {
      CAPTURE(name, n);
      REQUIRE(rows_or_refused(folder, whole.substr(0, n)) == -1);
    }
  }
}
