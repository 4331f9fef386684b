#include <nlohmann/json.hpp>

#include "cli/logged_folder.h"
#include "sluice/audit/log.h"
#include "sluice/cascade/engine.h"

using namespace sluice;
using test::run;

TEST_CASE("retain deletes old entries, and verify, show and prove report the deletion") {
  const test::LoggedFolder logged(60);
  const cascade::Engine engine(logged.bundle);
  {
    audit::Log log(logged.path() / "old", {.segment_bytes = 5000});
    for (std::size_t i = 0; i < 60; ++i) {  // one per day, from 2023-11-14 22:13:20
      const std::string id = logged.id(i);
      const auto time = (1'700'000'000 + static_cast<std::int64_t>(i) * 86'400) * 1'000'000;
      log.append(*logged.bundle, engine.decide(logged.rows.row(i)),
                 {.id = id, .time_in_us = time, .time_out_us = time, .row = logged.rows.row(i)});
      log.flush(10'000);
    }
  }
  const auto kept = run(logged.path(), "sluice audit retain old --before 2023-11-14");
  CHECK(kept.exit_code == 0);
  CHECK_THAT(kept.out, Catch::Contains("nothing was deleted"));
  const auto gone = run(logged.path(), "sluice audit retain old --before 2023-12-15 --by 'A. Jansen'");
  CAPTURE(gone.err);
  REQUIRE(gone.exit_code == 0);
  CHECK_THAT(gone.out, Catch::StartsWith("entries 0 to "));

  const auto verified = nlohmann::json::parse(run(logged.path(), "sluice audit verify old --json").out);
  CHECK(verified["whole"] == true);
  CHECK(verified["retentions"] == 1);
  const auto first = verified["first_entry"].get<std::uint64_t>();
  CHECK(first > 10);
  CHECK(first <= 31);
  CHECK_THAT(run(logged.path(), "sluice audit verify old").out,
             Catch::Contains("entries before " + std::to_string(first) + " were deleted by retention"));
  CHECK_THAT(run(logged.path(), "sluice audit show old --index 60").out,
             Catch::Contains(R"("kind":"retention","retention":{"first":0,"kept":)" + std::to_string(first)) &&
                 Catch::Contains(R"("by":"A. Jansen")"));
  for (const char* verb : {"sluice audit show old --index 3", "sluice audit prove old --index 3"}) {
    const auto refused = run(logged.path(), verb);
    CHECK(refused.exit_code == 1);
    CHECK_THAT(refused.err, Catch::Contains("log.retained: entry 3 is gone"));
  }
  CHECK(run(logged.path(), "sluice audit prove old --index 59").exit_code == 0);
  CHECK(run(logged.path(), "sluice replay --audit old --bundle bundle").exit_code == 0);
  CHECK(run(logged.path(), "sluice review queue old").exit_code == 0);
  CHECK(
      run(logged.path(), "sluice policy diff bundle/policy.json bundle/policy.json --bundle bundle --audit old --quiet")
          .exit_code == 0);
}

TEST_CASE("verbs that need an existing log do not create one") {
  const test::TempDir dir;
  std::filesystem::create_directory(dir / "empty");
  for (const std::string folder : {"nowhere", "empty"})
    for (const std::string& verb :
         {"audit retain " + folder + " --before 2020-01-01", "audit erase " + folder + " --subject x",
          "audit show " + folder + " --index 0", "review queue " + folder,
          "review record " + folder + " --index 0 --by A --action APPROVE --why B"}) {
      const auto refused = run(dir.path(), "sluice " + verb);
      CAPTURE(verb, refused.err);
      CHECK(refused.exit_code == 1);
      CHECK_THAT(refused.err, Catch::StartsWith("error: log.none: " + folder));
    }
  CHECK_FALSE(std::filesystem::exists(dir / "nowhere"));
  CHECK(std::filesystem::is_empty(dir / "empty"));
}

TEST_CASE("retain with a future or invalid time deletes nothing") {
  const test::LoggedFolder logged(5);
  for (const char* before : {"2999-01-01", "long ago", "1e300"})
    CHECK(run(logged.path(), std::string("sluice audit retain log --before '") + before + "'").exit_code == 2);
  CHECK_THAT(run(logged.path(), "sluice audit retain log --before 2024-01-01").out,
             Catch::Contains("nothing was deleted"));
  CHECK_THAT(run(logged.path(), "sluice audit verify log --json").out, Catch::Contains("\"retentions\":0"));
}
