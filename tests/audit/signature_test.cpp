#include "sluice/audit/signature.h"

#include <sys/stat.h>

#include <cstring>

#include "sluice/audit/checkpoint.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "support/catch.h"
#include "support/temp_dir.h"

namespace sluice::test {

using namespace audit;

TEST_CASE("signatures equal RFC 8032's test vector") {
  // Section 7.1, TEST 3.
  const TempDir dir;
  write_file(dir / "key", "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7\n",
             AtomicFile::Mode::owner_only);
  const SigningKey key = SigningKey::load(dir / "key");
  const auto public_key = key.public_key();
  CHECK(to_hex({reinterpret_cast<const char*>(public_key.bytes.data()), 32}) ==
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
  const Signature signature = key.sign("\xaf\x82");
  CHECK(to_hex({reinterpret_cast<const char*>(signature.data()), 64}) ==
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
  CHECK(public_key.verifies("\xaf\x82", signature));
  CHECK_FALSE(public_key.verifies("\xaf\x83", signature));
}

TEST_CASE("only its owner can read a signing key's file, and it loads again") {
  const TempDir dir;
  const SigningKey key = SigningKey::generate();
  key.save(dir / "key");
  key.public_key().save(dir / "key.pub");
  struct stat status{};
  REQUIRE(stat((dir / "key").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(PublicKey::load(dir / "key.pub").verifies("m", SigningKey::load(dir / "key").sign("m")));
  for (const char* wrong : {"", "00\n", "zz"}) {
    write_file(dir / "wrong", wrong);
    CHECK_THROWS_AS(SigningKey::load(dir / "wrong"), Error);
  }
}

TEST_CASE("a change of any bit of a checkpoint's line is found") {
  const SigningKey key = SigningKey::generate();
  Checkpoint checkpoint{.size = 12345, .root = sha256("root"), .chain = sha256("chain"), .time_us = -17};
  std::memset(checkpoint.log.data(), 7, checkpoint.log.size());
  checkpoint.sign(key);
  const std::string line = checkpoint.line();
  REQUIRE(Checkpoint::parse(line).is_signed_by(key.public_key()));
  REQUIRE(Checkpoint::parse(line).line() == line);
  for (std::size_t bit = 0; bit < 8 * line.size(); ++bit) {
    std::string bent = line;
    bent[bit / 8] = static_cast<char>(bent[bit / 8] ^ 1 << (bit % 8));
    bool accepted = false;
    try {
      accepted = Checkpoint::parse(bent).is_signed_by(key.public_key());
    } catch (const Error& e) {
      CHECK(e.code() == "checkpoint.format");
    }
    CAPTURE(bit);
    REQUIRE_FALSE(accepted);
  }
}

}  // namespace sluice::test
