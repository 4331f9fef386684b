// Compares the hash with its authors' test vectors, and the assignment with a second implementation in Python.
#include <sstream>

#include "sluice/base/file.h"
#include "sluice/base/random.h"
#include "sluice/experiment/plan.h"
#include "support/catch.h"
#include "support/temp_dir.h"

namespace sluice::test {

using namespace experiment;

TEST_CASE("SipHash-2-4 gives the values of the paper and of the reference implementation") {
  const SipKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  std::string text;
  for (char c = 0; c < 15; ++c) text += c;
  CHECK(siphash(key, text) == 0xa129ca6149be45e5);  // appendix A
  // vectors_sip64 for 0, 1, 7, 8 and 9 bytes.
  const std::pair<std::size_t, std::uint64_t> vectors[] = {{0, 0x726fdb47dd0e0e31},
                                                           {1, 0x74f839c593dc67fd},
                                                           {7, 0xab0200f58b01d137},
                                                           {8, 0x93f5f5799a932462},
                                                           {9, 0x9e0082df0ba9e4b0}};
  for (const auto& [n, hash] : vectors) CHECK(siphash(key, text.substr(0, n)) == hash);
}

TEST_CASE("an implementation written only from the document gives every key the same arms") {
  const std::string source = SLUICE_SOURCE_DIR, plan_path = source + "/examples/experiments.json";
  const auto plan = parse_experiments(read_file(plan_path), plan_path);
  const TempDir dir;
  Random random(5);
  std::string lines, expected;
  constexpr std::int64_t kFebruary = 1'708'000'000'000'000, kDay = 86'400'000'000;
  for (int i = 0; i < 400; ++i) {
    const std::string key = i % 50 == 0 ? ""
                            : i % 3     ? std::to_string(random.next())
                                        : "Größe-" + std::string(i % 40, 'x');
    const std::int64_t now_us = kFebruary + static_cast<std::int64_t>(random.below(130)) * kDay;
    lines += std::to_string(now_us) + "\t" + key + "\n";
    expected += arm_text(plan, plan.assign(key, now_us)) + "\n";
  }
  write_file(dir / "keys", lines);
  const std::string command = "python3 '" + source + "/tests/experiment/assign_arms.py' '" + plan_path + "' < '" +
                              (dir / "keys").string() + "' > '" + (dir / "arms").string() + "'";
  REQUIRE(std::system(command.c_str()) == 0);
  CHECK(read_file(dir / "arms") == expected);
  for (const char* arm : {"spring-model/champion lower-cut/lower\n", "spring-model/spring lower-cut/as-is\n"})
    CHECK(expected.find(arm) != std::string::npos);
}

}  // namespace sluice::test
