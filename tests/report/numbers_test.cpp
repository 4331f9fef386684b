#include "sluice/report/numbers.h"

#include <cmath>
#include <limits>

#include "support/catch.h"

using namespace sluice;

TEST_CASE("decimals are rounded, keep trailing zeros and have no negative zero") {
  CHECK(decimal(0.78125, 4) == "0.7812");  // half to even: the exact value is a tie
  CHECK(decimal(2, 3) == "2.000");
  CHECK(decimal(-0.00004, 4) == "0.0000");
  CHECK(decimal(-0.0, 1) == "0.0");
  CHECK(decimal(-1.5, 0) == "-2");
  CHECK(decimal(1e300, 0).size() == 301);
  CHECK(decimal(std::nan(""), 2) == "–");
  CHECK(decimal(-std::numeric_limits<double>::infinity(), 2) == "-inf");
  CHECK(signed_decimal(0.5, 1) == "+0.5");
  CHECK(signed_decimal(-0.5, 1) == "-0.5");
  CHECK(signed_decimal(0, 1) == "0.0");
  CHECK(signed_decimal(std::nan(""), 1) == "–");
}

TEST_CASE("shares are shown in percent, counts with thousands separators") {
  CHECK(percent(0.1234) == "12.3 %");
  CHECK(percent(0.1234, 0) == "12 %");
  CHECK(percent(std::nan("")) == "–");
  CHECK(count(0) == "0");
  CHECK(count(999) == "999");
  CHECK(count(1000) == "1,000");
  CHECK(count(1234567) == "1,234,567");
}
