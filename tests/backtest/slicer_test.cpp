#include "sluice/backtest/slicer.h"

#include "sluice/base/error.h"
#include "support/catch.h"

namespace sluice::backtest {
namespace {

std::vector<std::string> numbers(int n) {
  std::vector<std::string> texts;
  for (int i = 0; i < n; ++i) texts.push_back(std::to_string(i));
  return texts;
}

TEST_CASE("times are named by day, week or month") {
  const auto day = Slicer::by_time("t", Period::day), week = Slicer::by_time("t", Period::week),
             month = Slicer::by_time("t", Period::month);
  CHECK(day.name("2024-02-29T23:59:59Z", 0) == "2024-02-29");
  CHECK(day.name("2024-02-29T23:59:59-02:00", 0) == "2024-03-01");
  CHECK(week.name("2024-03-03", 0) == "2024-02-26");  // a Sunday belongs to the week of the Monday before it
  CHECK(week.name("2024-03-04", 0) == "2024-03-04");
  CHECK(month.name("2024-02-29", 0) == "2024-02");
  CHECK(day.name("-1", 0) == "1969-12-31");
  CHECK(month.name("NA", 0) == "(missing)");
  CHECK_THROWS_WITH(month.name("soon", 17),
                    Catch::Contains("row 17") && Catch::Contains("\"t\"") && Catch::Contains("\"soon\""));
  CHECK_THROWS_AS(month.name("1e300", 0), Error);
}

TEST_CASE("numbers are named by intervals between the quintiles of the first rows") {
  const auto slicer = Slicer::by_values("x", Kind::number, numbers(100));
  CHECK(slicer.kind() == "number");
  CHECK(slicer.edges() == std::vector<double>{20, 40, 60, 80});
  CHECK(slicer.name("19.9", 0) == "below 20");
  CHECK(slicer.name("20", 0) == "20 to 40");
  CHECK(slicer.name("1e9", 0) == "from 80");
  CHECK(slicer.name("", 0) == "(missing)");
  CHECK(slicer.name("many", 0) == "(not a number)");
  CHECK(slicer.interval_names().size() == 5);
}

TEST_CASE("words, few distinct values and categories are named by their text") {
  CHECK(Slicer::by_values("x", std::nullopt, std::vector<std::string>{"a", "1"}).kind() == "text");
  CHECK(Slicer::by_values("x", Kind::number, numbers(12)).kind() == "text");
  CHECK(Slicer::by_values("x", Kind::category, numbers(100)).kind() == "text");
  CHECK(Slicer::by_values("x", std::nullopt, numbers(100)).kind() == "number");
  const auto slicer = Slicer::by_values("x", std::nullopt, std::vector<std::string>{});
  CHECK(slicer.name("NL", 0) == "NL");
  CHECK(slicer.name(std::string(100, 'a'), 0) == std::string(80, 'a') + "…");
  CHECK(slicer.name(std::string(79, 'a') + "éé", 0) == std::string(79, 'a') + "…");
}

}  // namespace
}  // namespace sluice::backtest
