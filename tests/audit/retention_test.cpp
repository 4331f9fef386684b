#include "sluice/audit/retention.h"

#include <nlohmann/json.hpp>
#include <thread>

#include "audit/log_support.h"
#include "audit/python_verifier.h"
#include "sluice/audit/index.h"
#include "sluice/audit/replay.h"
#include "sluice/audit/stored_decisions.h"
#include "sluice/audit/verify.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {

using namespace audit;

namespace {

constexpr std::size_t kDecisions = 120;

/// A log of many small segments; decision i has the time kNoon + i.
struct OldLog {
  TempDir dir;
  Decided decided;
  LogOptions options{.segment_bytes = 6000, .checkpoint_entries = 7};

  explicit OldLog(bool encrypt = false) {
    options.encrypt = encrypt;
    Log log(folder(), options);
    for (std::size_t i = 0; i < kDecisions; ++i) {
      decided.append(log, i);
      log.flush(10'000);
    }
  }
  std::filesystem::path folder() const { return dir / "log"; }

  Retention retain(std::int64_t before_us) const {
    Log log(folder(), options);
    return log.retain(before_us, "A. Jansen", kNoon + 500);
  }
  /// First entries of the segments, in order.
  std::vector<std::uint64_t> firsts() const {
    std::vector<std::uint64_t> all;
    for (const auto number : segment_numbers(folder()))
      all.push_back(SegmentReader(segment_path(folder(), number)).header().first_index);
    return all;
  }
  std::vector<Fault> faults() const { return verify_log(folder()).faults; }
  std::vector<Fault> faults_after(const std::function<void()>& change) const {
    const TempDir kept;
    std::filesystem::copy(folder(), kept / "log");
    change();
    auto found = faults();
    CHECK(python_verify(folder()).exit_code == (found.empty() ? 0 : 3));
    std::filesystem::remove_all(folder());
    std::filesystem::copy(kept / "log", folder());
    return found;
  }
};

bool has(const std::vector<Fault>& faults, const std::string& code) {
  return std::any_of(faults.begin(), faults.end(), [&](const Fault& fault) { return fault.code == code; });
}

}  // namespace

TEST_CASE("retention deletes whole old leading segments, never the last, and the rest verifies and can be continued") {
  for (const bool encrypt : {false, true})
    for (const std::int64_t age : {1, 40, 77, 119, 1000}) {
      const OldLog log(encrypt);
      const auto before = log.firsts();
      REQUIRE(before.size() > 5);
      std::uint64_t kept = 0;  // first entry of the last segment before which all entries are old
      for (const auto first : before)
        if (static_cast<std::int64_t>(first) <= age) kept = first;
      const Retention gone = log.retain(kNoon + age);
      CAPTURE(encrypt, age, kept);
      CHECK(gone.first == 0);
      REQUIRE(gone.kept == kept);
      CHECK(log.firsts().front() == kept);
      const auto report = verify_log(log.folder());
      CAPTURE(report.faults.empty() ? "" : to_string(report.faults[0]));
      REQUIRE(report.is_whole());
      CHECK(report.first_entry == kept);
      CHECK(report.n_retentions == (kept > 0));
      CHECK(report.n_entries == kDecisions + (kept > 0));
      CHECK(report.n_covered == report.n_entries);
      const auto answer = python_verify(log.folder());
      CAPTURE(answer.json.dump());
      CHECK(answer.exit_code == 0);
      CHECK(answer.json["root"] == report.root.hex());
      CHECK(answer.json["first"] == kept);
      const auto ids = ids_of(log.folder());
      CHECK(ids.front() == "r" + std::to_string(kept));
      CHECK(ids.back() == (kept > 0 ? "!retention" : "r119"));
      {
        Log again(log.folder(), log.options);
        CHECK(again.opened().n_entries == report.n_entries);
        log.decided.append(again, 1);
      }
      CHECK(verify_log(log.folder()).is_whole());
      CHECK(replay(log.folder(), log.decided.bundle).n_different == 0);
    }
}

TEST_CASE("an entry with exactly the given time keeps its segment and those after it") {
  const OldLog log;
  const auto firsts = log.firsts();
  const auto last_of_second = static_cast<std::int64_t>(firsts[2]) - 1;
  CHECK(log.retain(kNoon + last_of_second).kept == firsts[1]);
  CHECK(log.retain(kNoon + last_of_second + 1).kept == firsts[2]);
  CHECK(log.retain(kNoon + last_of_second + 1).kept == firsts[2]);
  const auto report = verify_log(log.folder());
  CHECK(report.is_whole());
  CHECK(report.n_retentions == 2);
}

TEST_CASE("one newer entry keeps its segment and those after it, even if later entries are old") {
  const Decided decided;
  const TempDir dir;
  Log log(dir / "log", {.segment_bytes = 3000});
  for (std::size_t i = 0; i < 60; ++i) {
    decided.append(log, i == 25 ? 1'000'000'000 : i);
    log.flush(10'000);
  }
  const std::uint64_t kept = log.retain(kNoon + 1000, "A", kNoon).kept;
  CHECK(kept > 0);
  CHECK(kept <= 25);
  log.close();
  const auto ids = ids_of(dir / "log");
  CHECK(std::find(ids.begin(), ids.end(), "r1000000000") != ids.end());
}

TEST_CASE("missing segments are a fault unless a retention entry covered by a checkpoint names them") {
  const OldLog log;
  const auto remove = [&](std::uint32_t number) { std::filesystem::remove(segment_path(log.folder(), number)); };
  CHECK(has(log.faults_after([&] { remove(0); }), "log.gap"));
  const auto remove_two = [&] {
    remove(0);
    remove(1);
  };
  CHECK(has(log.faults_after(remove_two), "log.gap"));
  log.retain(kNoon + 40);
  REQUIRE(log.faults().empty());
  const auto numbers = segment_numbers(log.folder());
  CHECK(has(log.faults_after([&] { remove(numbers[0]); }), "log.gap"));  // one more than the retention names
  CHECK(has(log.faults_after([&] { remove(numbers[1]); }), "log.gap"));
  CHECK_FALSE(log.faults_after([&] { remove(numbers.back()); }).empty());
  // Without the retention's own checkpoint, no signature covers the deletion.
  const std::string text = read_file(log.folder() / "checkpoints");
  const auto without_last = text.substr(0, text.rfind('\n', text.size() - 2) + 1);
  CHECK(has(log.faults_after([&] { write_file(log.folder() / "checkpoints", without_last); }), "log.gap"));
}

TEST_CASE("a change of any bit of the first kept header is found") {
  const OldLog log;
  log.retain(kNoon + 77);
  const auto path = segment_path(log.folder(), segment_numbers(log.folder()).front());
  const std::string sound = read_file(path);
  const std::size_t size = segment_header_bytes(log.firsts().front());
  for (std::size_t bit = 0; bit < 8 * size; ++bit) {
    std::string bent = sound;
    bent[bit / 8] = static_cast<char>(bent[bit / 8] ^ 1 << (bit % 8));
    std::filesystem::remove(path);
    write_file(path, bent);
    CAPTURE(bit);
    REQUIRE_FALSE(log.faults().empty());
  }
  // With forged chain and peaks and a recomputed header hash, the checkpoints do not match.
  for (std::size_t at = 40; at < size - 32; at += 32) {
    std::string forged = sound;
    forged[at] = static_cast<char>(forged[at] ^ 1);
    const Digest hash = sha256(std::string_view(forged).substr(0, size - 32));
    forged.replace(size - 32, 32, bytes_of(hash));
    std::filesystem::remove(path);
    write_file(path, forged);
    CAPTURE(at);
    REQUIRE_FALSE(log.faults().empty());
    REQUIRE(python_verify(log.folder()).exit_code == 3);
  }
}

TEST_CASE("an interrupted deletion leaves a whole log, and the next retention deletes the rest") {
  const OldLog log;
  const TempDir kept;
  std::filesystem::copy(log.folder(), kept / "log");
  const auto all = segment_numbers(log.folder());
  const std::uint64_t first_kept = log.retain(kNoon + 77).kept;
  const auto left = segment_numbers(log.folder());
  REQUIRE(left.front() > 2);
  for (std::uint32_t number = left.front(); number-- > 0;) {  // as if the deletion had stopped before this segment
    std::filesystem::copy_file(segment_path(kept / "log", number), segment_path(log.folder(), number));
    CAPTURE(number);
    CHECK(log.faults().empty());
    CHECK(python_verify(log.folder()).exit_code == 0);
  }
  CHECK(log.retain(kNoon + 77).kept == first_kept);
  CHECK(segment_numbers(log.folder()).front() == left.front());
  CHECK(log.faults().empty());
}

TEST_CASE("retention deletes nothing from a damaged log") {
  const OldLog log;
  const auto path = segment_path(log.folder(), 1);
  std::string bent = read_file(path);
  bent[bent.size() / 2] ^= 1;
  write_file(path, bent);
  CHECK(code_of([&] { log.retain(kNoon + 77); }) == "log.damaged");
  CHECK(segment_numbers(log.folder()).front() == 0);
  CHECK(code_of([&] { plan_retention(log.dir / "nothing", kNoon, "A"); }) != "");
}

TEST_CASE("proofs of kept entries hold, and those of deleted entries are refused with log.retained") {
  const OldLog log;
  const TempDir dir;
  const std::uint64_t kept = log.retain(kNoon + 50).kept;
  REQUIRE(kept > 0);
  const auto key = PublicKey::load(log.folder() / "signing.pub");
  for (std::uint64_t index = 0; index <= kDecisions; ++index) {
    CAPTURE(index);
    if (index < kept) {
      REQUIRE(code_of([&] { prove_entry(log.folder(), index); }) == "log.retained");
      continue;
    }
    const auto proof = nlohmann::json::parse(prove_entry(log.folder(), index));
    std::vector<Digest> path;
    for (const auto& hash : proof["proof"])
      std::memcpy(path.emplace_back().bytes.data(), from_hex(hash.get<std::string>())->data(), 32);
    const auto checkpoint = Checkpoint::parse(proof["checkpoint"].get<std::string>());
    const Digest leaf = leaf_hash(bytes_of(sha256(*from_hex(proof["entry"].get<std::string>()))));
    REQUIRE(verify_inclusion(leaf, index, checkpoint.size, path, checkpoint.root));
    if (index % 23 != 0) continue;
    REQUIRE(python_check(dir, proof.dump(), key).exit_code == 0);
  }
  std::vector<Fault> faults;
  for (const auto& checkpoint : read_checkpoints(log.folder(), key, faults)) {
    if (checkpoint.size == 0) continue;
    CAPTURE(checkpoint.size);
    if (checkpoint.size < kept) {
      CHECK(code_of([&] { prove_consistency(log.folder(), checkpoint.size); }) == "log.retained");
      CHECK(has(verify_log(log.folder(), {.known = checkpoint}).faults, "checkpoint.retained"));
      continue;
    }
    CHECK(verify_log(log.folder(), {.known = checkpoint}).is_whole());
    REQUIRE(python_check(dir, prove_consistency(log.folder(), checkpoint.size), key).exit_code == 0);
  }
}

TEST_CASE("the index removes deleted entries, and reading one is refused with log.retained") {
  const OldLog log;
  CHECK(LogIndex(log.folder()).update() == kDecisions);
  const std::uint64_t kept = log.retain(kNoon + 77).kept;
  LogIndex index(log.folder());
  CHECK(index.update() == 1);
  CHECK(index.find({}).size() == kDecisions - kept);
  CHECK(index.find({.id = "r3"}).empty());
  std::filesystem::remove(log.folder() / "index.db");
  CHECK(LogIndex(log.folder()).update() > 0);
  CHECK(LogIndex(log.folder()).find({}).size() == kDecisions - kept);
  CHECK(code_of([&] { read_decision(log.folder(), 3); }) == "log.retained");
  CHECK(read_decision(log.folder(), kept)->record.head.id == "r" + std::to_string(kept));
}

TEST_CASE("a retention's bytes are those of the documented format, and no others decode") {
  const Retention retention{.first = 3, .kept = 260, .before_us = -2, .who = "A"};
  std::string bytes;
  encode(bytes, retention);
  CHECK(to_hex(bytes) ==
        "01000000"
        "0300000000000000"
        "0401000000000000"
        "feffffffffffffff"
        "0100"
        "41");
  const Retention again = decode_retention(bytes);
  CHECK((again.first == 3 && again.kept == 260 && again.before_us == -2 && again.who == "A"));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    REQUIRE(code_of([&] { decode_retention(bytes.substr(0, size)); }) == "record.truncated");
  CHECK(code_of([&] { decode_retention(bytes + "x"); }) == "record.excess");
  std::string none;
  encode(none, {.first = 3, .kept = 3, .who = "A"});
  CHECK(code_of([&] { decode_retention(none); }) == "record.value");
  CHECK(code_of([&] { encode(none, {.kept = 3}); }) == "retention.who");
}

TEST_CASE("a retention while the log is written deletes no newer entry") {
  const OldLog log;
  Log live(log.folder(), log.options);
  std::thread writer([&] {
    for (std::size_t i = 0; i < 3000; ++i) log.decided.append(live, 1'000'000 + i);
  });
  for (const std::int64_t age : {20, 60, 100}) live.retain(kNoon + age, "A", kNoon + 2'000'000);
  writer.join();
  REQUIRE(live.close() == 0);
  const auto report = verify_log(log.folder());
  CAPTURE(report.faults.empty() ? "" : to_string(report.faults[0]));
  CHECK(report.is_whole());
  CHECK(report.first_entry > 60);
  CHECK(report.n_entries == kDecisions + 3000 + report.n_retentions);
}

}  // namespace sluice::test
