// The Python verifier, written only from the documents, agrees with the C++ one.
#include <nlohmann/json.hpp>

#include "audit/log_support.h"
#include "audit/python_verifier.h"
#include "sluice/audit/stored_decisions.h"
#include "sluice/audit/verify.h"
#include "sluice/base/file.h"
#include "support/catch.h"

namespace sluice::test {

using namespace audit;

namespace {

void make_log(const std::filesystem::path& folder, bool encrypt) {
  const Decided decided;
  Log log(folder, {.segment_bytes = 8000, .checkpoint_entries = 10, .encrypt = encrypt});
  for (std::size_t i = 0; i < 45; ++i) {
    decided.append(log, i);
    if (i % 9 == 0) log.flush(10'000);
  }
  log.flush(10'000);
  std::vector<Review> reviews;
  for (const std::uint64_t index : {4, 11})
    reviews.push_back({.decision = read_decision(folder, index)->link,
                       .action = cascade::Action::decline,
                       .who = "A. Jansen",
                       .why = "INCOME"});
  log.append_reviews(reviews, kNoon);
  if (encrypt) log.erase(log.subject_reference("person 2"), kNoon);
}

}  // namespace

TEST_CASE("the Python verifier reports the same as verify_log for whole logs") {
  for (const bool encrypt : {false, true}) {
    const TempDir dir;
    make_log(dir / "log", encrypt);
    const auto report = verify_log(dir / "log");
    REQUIRE(report.is_whole());
    const auto answer = ask_python(dir, (dir / "log").string());
    CAPTURE(answer.json.dump());
    REQUIRE(answer.exit_code == 0);
    CHECK(answer.json["entries"] == report.n_entries);
    CHECK(answer.json["covered"] == report.n_covered);
    CHECK(answer.json["checkpoints"] == report.n_checkpoints);
    CHECK(answer.json["erasures"] == report.n_erasures);
    CHECK(answer.json["reviews"] == 2);
    CHECK(answer.json["root"] == report.root.hex());
    CHECK(answer.json["chain"] == report.chain.hex());
  }
}

TEST_CASE("the Python verifier names the same first entry in changed logs") {
  const TempDir dir;
  make_log(dir / "log", false);
  for (const char* name : {"00000000.log", "00000001.log"}) {
    const std::string sound = read_file(dir / "log" / name);
    for (std::size_t at = 0; at < sound.size(); at += sound.size() / 6) {
      std::string bent = sound;
      bent[at] = static_cast<char>(bent[at] ^ 4);
      write_file(dir / "log" / name, bent);
      const auto report = verify_log(dir / "log");
      const auto answer = ask_python(dir, (dir / "log").string());
      CAPTURE(name, at, answer.json.dump());
      REQUIRE_FALSE(report.is_whole());
      REQUIRE(answer.exit_code == 3);
      CHECK(answer.json["file"] == name);
      CHECK(answer.json["index"] == *report.faults.front().index);
    }
    write_file(dir / "log" / name, sound);
  }
  const std::string text = read_file(dir / "log" / "checkpoints");
  write_file(dir / "log" / "checkpoints", text + text.substr(0, text.find('\n') + 1));
  CHECK(ask_python(dir, (dir / "log").string()).exit_code == 3);
  write_file(dir / "log" / "checkpoints", text);
  std::filesystem::remove(dir / "log" / "00000001.log");
  CHECK(ask_python(dir, (dir / "log").string()).exit_code == 3);
}

TEST_CASE("both verifiers find a review whose index and hash name different decisions") {
  const TempDir dir;
  make_log(dir / "log", false);
  EntryLink wrong = read_decision(dir / "log", 8)->link;
  wrong.index = 9;
  {
    Log log(dir / "log");
    log.append_reviews(
        std::vector{Review{.decision = wrong, .action = cascade::Action::approve, .who = "B", .why = "C"}}, kNoon);
  }
  const auto report = verify_log(dir / "log");
  const auto answer = ask_python(dir, (dir / "log").string());
  CAPTURE(answer.json.dump());
  REQUIRE_FALSE(report.is_whole());
  REQUIRE(answer.exit_code == 3);
  CHECK(answer.json["index"] == *report.faults.front().index);
}

TEST_CASE("the Python verifier accepts proofs, and only for what they were made for") {
  const TempDir dir;
  make_log(dir / "log", false);
  std::vector<Fault> faults;
  const auto key = PublicKey::load(dir / "log" / "signing.pub");
  const auto checkpoints = read_checkpoints(dir / "log", key, faults);
  std::vector<std::string> proofs = {prove_entry(dir / "log", 0), prove_entry(dir / "log", 17),
                                     prove_entry(dir / "log", 44)};
  for (const auto& checkpoint : checkpoints)
    if (checkpoint.size > 0) proofs.push_back(prove_consistency(dir / "log", checkpoint.size));
  for (const auto& proof : proofs) {
    CAPTURE(proof);
    REQUIRE(python_check(dir, proof, key).exit_code == 0);
    auto bent = nlohmann::json::parse(proof);
    if (bent["kind"] == "inclusion")
      bent["index"] = bent["index"].get<int>() ^ 1;
    else
      bent["proof"].push_back(std::string(64, '0'));
    REQUIRE(python_check(dir, bent.dump(), key).exit_code == 3);
  }
}

}  // namespace sluice::test
