#include "sluice/base/digest.h"

#include "support/catch.h"

TEST_CASE("sha256 gives the examples of FIPS 180-4") {
  REQUIRE(sluice::sha256("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  REQUIRE(sluice::sha256("").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("a stream's digest does not depend on how it was split") {
  sluice::Hasher hasher;
  hasher.update("a");
  hasher.update("");
  hasher.update("bc");
  REQUIRE(hasher.finish() == sluice::sha256("abc"));
}
