#include "sluice/explain/reasons.h"

#include <cmath>

#include "sluice/base/error.h"
#include "support/catch.h"

using namespace sluice;
using namespace sluice::explain;

namespace {

/// Columns a … h; "a", "d" and "e" are one group.
Schema letters() {
  std::vector<Column> columns;
  for (const char c : std::string("abcdefgh"))
    columns.push_back({.name = std::string(1, c), .group = c == 'a' || c == 'd' || c == 'e' ? "money" : ""});
  return Schema(columns);
}

std::vector<RankedReason> reasons_of(std::vector<double> phi, std::vector<double> row = std::vector<double>(8, 1.0),
                                     const ReasonCatalogue& catalogue = {}) {
  Attribution a;
  a.phi = std::move(phi);
  return adverse_reasons(a, row, letters(), catalogue);
}

std::vector<std::string> codes(const std::vector<RankedReason>& reasons) {
  std::vector<std::string> out;
  for (const auto& r : reasons) out.push_back(r.reason.code);
  return out;
}

using Codes = std::vector<std::string>;

}  // namespace

TEST_CASE("only contributions that raise the risk are reasons, the largest first, at most four") {
  CHECK(codes(reasons_of({0, .1, .5, 0, 0, -.9, .3, .2})) == Codes{"C", "G", "H", "B"});
  CHECK(codes(reasons_of({.6, .1, .5, 0, 0, .05, .3, .2})) == Codes{"MONEY", "C", "G", "H"});
  CHECK(reasons_of({0, -.1, 0, -2, 0, 0, 0, 0}).empty());
}

TEST_CASE("a group is one reason with the sum of its columns") {
  const auto reasons = reasons_of({.2, .3, 0, .3, -.1, 0, 0, 0});
  REQUIRE(codes(reasons) == Codes{"MONEY", "B"});
  CHECK(reasons[0].reason.phi == Approx(.4));
  CHECK(reasons[0].reason.feature == "money");
  CHECK(reasons[0].columns == std::vector<std::size_t>{0, 3, 4});
  CHECK(codes(reasons_of({.2, .3, 0, -.3, 0, 0, 0, 0})) == Codes{"B"});  // the group as a whole lowers the risk
}

TEST_CASE("a missing value is not counted in its group and has a separate code") {
  std::vector<double> row(8, 1.0);
  row[3] = row[1] = std::nan("");
  const auto reasons = reasons_of({.2, .1, 0, .3, .05, 0, 0, 0}, row);
  REQUIRE(codes(reasons) == Codes{"D_MISSING", "MONEY", "B_MISSING"});
  CHECK(reasons[0].is_missing);
  CHECK(reasons[1].reason.phi == Approx(.25));
  CHECK_FALSE(reasons[1].is_missing);
}

TEST_CASE("ties are in column order and marked, even if the other reason was cut off") {
  auto reasons = reasons_of({0, .2, .2, 0, 0, .5, 0, 0});
  REQUIRE(codes(reasons) == Codes{"F", "B", "C"});
  CHECK_FALSE(reasons[0].is_tied);
  CHECK((reasons[1].is_tied && reasons[2].is_tied));
  CHECK(codes(reasons_of({0, .1 + .2, .3, 0, 0, 0, 0, 0})) == Codes{"B", "C"});
  CHECK(codes(reasons_of({0, .3, .1 + .2, 0, 0, 0, 0, 0})) ==
        Codes{"B", "C"});  // a rounding error does not break a tie
  reasons = reasons_of({.9, .8, .7, 0, 0, .2, .2, 0});
  REQUIRE(codes(reasons) == Codes{"MONEY", "B", "C", "F"});
  CHECK(reasons[3].is_tied);
}

TEST_CASE("a catalogue gives codes and texts for columns and groups, present and missing") {
  const auto catalogue = ReasonCatalogue::from_json(
      R"({"money": {"code": "R1", "text": "Too much money"}, "b": {"code": "R2", "missing_code": "R2M", "missing_text": "No b"}})",
      "reasons.json", letters());
  std::vector<double> row(8, 1.0);
  row[1] = std::nan("");
  const auto reasons = reasons_of({.4, .3, .2, 0, 0, 0, 0, 0}, row, catalogue);
  REQUIRE(codes(reasons) == Codes{"R1", "R2M", "C"});
  CHECK(reasons[0].text == "Too much money");
  CHECK(reasons[1].text == "No b");
  CHECK(record_reasons(reasons)[1].code == "R2M");
  CHECK(record_reasons(reasons)[1].phi == .3);
}

TEST_CASE("all faults of a catalogue are reported together, with their places") {
  try {
    ReasonCatalogue::from_json(R"({"mony": {"code": "R1"}, "b": {"text": 3}, "c": {"code": "X", "txt": "?"}})",
                               "reasons.json", letters());
    FAIL("accepted");
  } catch (const Error& e) {
    const std::string text = e.message();
    for (const char* part : {"mony", "money", "/b", "txt"}) CHECK(text.find(part) != text.npos);
  }
  CHECK_THROWS_AS(ReasonCatalogue::from_json("[1]", "reasons.json", letters()), Error);
  CHECK_THROWS_AS(ReasonCatalogue::from_json("{", "reasons.json", letters()), Error);
}
