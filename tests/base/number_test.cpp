#include "sluice/base/number.h"

#include <cmath>
#include <limits>

#include "sluice/base/random.h"
#include "support/catch.h"

using namespace sluice;

TEST_CASE("exp_fixed is within 2 ulp of the library's exp over its whole range") {
  Random random(1);
  for (int i = 0; i < 200000; ++i) {
    const double x = random.uniform(-700, 700), expected = std::exp(x);
    const double ulp = std::nextafter(expected, std::numeric_limits<double>::infinity()) - expected;
    REQUIRE(std::abs(exp_fixed(x) - expected) <= 2 * ulp);
  }
}

TEST_CASE("sigmoid saturates without overflow and keeps NaN") {
  REQUIRE(sigmoid(0) == 0.5);
  REQUIRE(sigmoid(1e9) == 1.0);
  REQUIRE(sigmoid(-1e9) == 0.0);
  REQUIRE(sigmoid(std::numeric_limits<double>::infinity()) == 1.0);
  REQUIRE(std::isnan(sigmoid(std::nan(""))));
  REQUIRE(logit(sigmoid(1.25)) == Approx(1.25).epsilon(1e-12));
}

TEST_CASE("numbers are written in the shortest text that reads back to the same bits") {
  REQUIRE(number_text(0.1) == "0.1");
  REQUIRE(number_text(0.1f) == "0.1");
  REQUIRE(number_text(1e300) == "1e+300");
  Random random(2);
  for (int i = 0; i < 10000; ++i) {
    const double x = random.normal() * std::pow(10, random.uniform(-20, 20));
    REQUIRE(std::stod(number_text(x)) == x);
  }
}

TEST_CASE("a seed gives the same numbers on every platform") {
  Random random(42);
  REQUIRE(random.next() == 0x545fd35510020520ULL);
  REQUIRE(Random(42, 1).next() != Random(42).next());
}
