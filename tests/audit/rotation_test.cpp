#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "audit/log_support.h"
#include "audit/python_verifier.h"
#include "sluice/audit/command_signer.h"
#include "sluice/audit/log.h"
#include "sluice/audit/verify.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {

using namespace audit;

namespace {

std::shared_ptr<const SigningKey> new_key() { return std::make_shared<SigningKey>(SigningKey::generate()); }

/// A log that three keys have signed, one after the other.
struct Rotated {
  Rotated() {
    for (std::size_t k = 0; k < keys.size(); ++k) {
      Log log(folder, {.segment_bytes = 4000, .signer = keys[k]});
      for (std::size_t i = 0; i < 20; ++i) decided.append(log, 30 * k + i);
      if (k + 1 == keys.size()) return;
      log.rotate_key(keys[k + 1]);
      for (std::size_t i = 20; i < 30; ++i) decided.append(log, 30 * k + i);
    }
  }

  const Decided decided;
  const TempDir dir;
  const std::filesystem::path folder = dir / "log";
  const std::vector<std::shared_ptr<const SigningKey>> keys{new_key(), new_key(), new_key()};
};

}  // namespace

TEST_CASE("each key signs that it hands over to the next, and the log verifies with any of them") {
  const Rotated log;
  CHECK(ids_of(log.folder).size() == 80);
  for (const auto& key : log.keys) {
    const auto report = verify_log(log.folder, {.key = key->public_key()});
    CHECK(report.is_whole());
    CHECK(report.n_covered == 80);
  }
  const auto stranger = verify_log(log.folder, {.key = new_key()->public_key()});
  REQUIRE_FALSE(stranger.is_whole());
  CHECK(stranger.faults.front().code == "checkpoint.key");
  CHECK_FALSE(std::filesystem::exists(log.folder / "signing.key"));
}

TEST_CASE("only the key that the last line names can go on") {
  const Rotated log;
  const std::string before = read_file(log.folder / "checkpoints");
  for (const auto& key : {log.keys[0], log.keys[1], new_key()})
    CHECK(code_of([&] { Log(log.folder, {.signer = key}); }) == "key.mismatch");
  CHECK(read_file(log.folder / "checkpoints") == before);
  Log again(log.folder, {.signer = log.keys[2]});
  CHECK(code_of([&] { again.rotate_key(log.keys[2]); }) == "key.same");
}

TEST_CASE("a handover that somebody else signed, moved or removed is found") {
  const Rotated log;
  const auto path = log.folder / "checkpoints";
  const std::string text = read_file(path);
  std::vector<Fault> faults;
  const auto lines = read_checkpoints(log.folder, log.keys[0]->public_key(), faults);
  REQUIRE(faults.empty());
  for (std::size_t n = 0; n < lines.size(); ++n) {
    if (!lines[n].next_key) continue;
    Checkpoint forged = lines[n];
    forged.next_key = new_key()->public_key();
    std::string other;
    for (std::size_t i = 0; i < lines.size(); ++i) other += (i == n ? forged : lines[i]).line();
    write_file(path, other);
    CHECK_FALSE(verify_log(log.folder).is_whole());
    forged.sign(*new_key());
    other.clear();
    for (std::size_t i = 0; i < lines.size(); ++i) other += (i == n ? forged : lines[i]).line();
    write_file(path, other);
    CHECK_FALSE(verify_log(log.folder).is_whole());
    other.clear();
    for (std::size_t i = 0; i < lines.size(); ++i) other += i == n ? "" : lines[i].line();
    write_file(path, other);
    CHECK_FALSE(verify_log(log.folder).is_whole());
  }
  write_file(path, text);
  CHECK(verify_log(log.folder).is_whole());
}

TEST_CASE("a log whose writer stopped between a handover and the next line opens with the new key alone") {
  const Rotated log;
  const auto path = log.folder / "checkpoints";
  std::vector<Fault> faults;
  auto lines = read_checkpoints(log.folder, log.keys[0]->public_key(), faults);
  Checkpoint handover = lines.back();
  const auto next = new_key();
  handover.previous = lines.back().digest();
  handover.next_key = next->public_key();
  handover.sign(*log.keys[2]);
  write_file(path, read_file(path) + handover.line());
  CHECK(verify_log(log.folder).is_whole());
  CHECK(code_of([&] { Log(log.folder, {.signer = log.keys[2]}); }) == "key.mismatch");
  {
    Log again(log.folder, {.signer = next});
  }
  CHECK(verify_log(log.folder, {.key = next->public_key()}).is_whole());
}

TEST_CASE("a signer that fails delays the checkpoint, and nothing is lost") {
  struct Failing final : Signer {
    Signature sign(std::string_view message) const override {
      if (fails) throw Error("key.signer", "the module does not answer");
      return key.sign(message);
    }
    PublicKey public_key() const override { return key.public_key(); }
    SigningKey key = SigningKey::generate();
    std::atomic<bool> fails = false;
  };
  const Decided decided;
  const TempDir dir;
  const auto signer = std::make_shared<Failing>();
  Log log(dir / "log", {.checkpoint_entries = 4, .signer = signer});
  signer->fails = true;
  for (std::size_t i = 0; i < 20; ++i) decided.append(log, i);
  for (int n = 0; n < 1000 && !log.status().degraded; ++n) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  CHECK_THAT(log.status().trouble, Catch::Contains("key.signer"));
  signer->fails = false;
  CHECK(log.close() == 0);
  CHECK(ids_of(dir / "log").size() == 20);
  CHECK(verify_log(dir / "log").is_whole());
}

TEST_CASE("the independent verifier follows the handovers, in logs and in proofs") {
  const Rotated log;
  const TempDir dir;
  const auto with_key = [&](const PublicKey& key) {
    const std::string hex = to_hex({reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()});
    return ask_python(dir, "'" + log.folder.string() + "' --key " + hex).exit_code;
  };
  for (const auto& key : log.keys) {
    CHECK(with_key(key->public_key()) == 0);
    CHECK(python_check(dir, prove_entry(log.folder, 70), key->public_key()).exit_code == 0);
  }
  CHECK(with_key(new_key()->public_key()) == 3);
  CHECK(python_check(dir, prove_entry(log.folder, 3), log.keys[0]->public_key()).exit_code == 0);
  CHECK(python_check(dir, prove_entry(log.folder, 3), new_key()->public_key()).exit_code == 3);
  std::vector<Fault> faults;
  const auto lines = read_checkpoints(log.folder, log.keys[0]->public_key(), faults);
  const std::string growth = prove_consistency(log.folder, lines[1].size);
  CHECK(python_check(dir, growth, log.keys[0]->public_key()).exit_code == 0);
  CHECK(python_check(dir, growth, log.keys[2]->public_key()).exit_code == 3);  // the older line is before its time
}

namespace {

constexpr const char* kSeed = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";
constexpr const char* kOtherSeed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

/// An executable shell script.
std::filesystem::path write_program(const TempDir& dir, const std::string& name, const std::string& lines) {
  const auto path = dir / name;
  write_file(path, "#!/bin/sh\n" + lines + "\n");
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

std::string signer_py(const char* seed, const std::string& verb) {
  return "python3 -B '" SLUICE_SOURCE_DIR "/tests/audit/signer.py' " + std::string(seed) + " " + verb;
}

}  // namespace

TEST_CASE("a program signs like the key that it holds") {
  const Decided decided;
  const TempDir dir;
  const auto program = write_program(dir, "signer", "exec " + signer_py(kSeed, "\"$1\""));
  const CommandSigner signer(program);
  write_file(dir / "key", std::string(kSeed) + "\n", AtomicFile::Mode::owner_only);
  const SigningKey key = SigningKey::load(dir / "key");
  CHECK(signer.public_key() == key.public_key());
  CHECK(signer.sign("a message") == key.sign("a message"));
  {
    Log log(dir / "log", {.signer = std::make_shared<CommandSigner>(program)});
    for (std::size_t i = 0; i < 5; ++i) decided.append(log, i);
  }
  {
    Log log(dir / "log", {.signing_key = dir / "key"});  // the key has come out of its module
    for (std::size_t i = 5; i < 9; ++i) decided.append(log, i);
  }
  CHECK(verify_log(dir / "log", {.key = key.public_key()}).is_whole());
  CHECK(ids_of(dir / "log").size() == 9);
}

TEST_CASE("a program that does not sign is an error, and never a wait without end") {
  const TempDir dir;
  const auto refused = [&](const std::filesystem::path& program, std::int64_t max_wait_ms = 10'000) {
    return code_of([&] { CommandSigner(program, max_wait_ms).sign("m"); }) == "key.signer";
  };
  CHECK(refused(dir / "absent"));
  CHECK(refused(dir.path()));
  write_file(dir / "plain", "no program");
  CHECK(refused(dir / "plain"));
  CHECK(refused(write_program(dir, "fails", "exit 1")));
  CHECK(refused(write_program(dir, "silent", "exit 0")));
  CHECK(refused(write_program(dir, "killed", "kill -9 $$")));
  CHECK(refused(write_program(dir, "garbage", "head -c 100000 /dev/zero")));
  CHECK(refused(write_program(dir, "endless", "exec yes 2>/dev/null"), 300));
  CHECK(refused(write_program(dir, "sleeps", "sleep 100"), 300));
  CHECK(refused(write_program(dir, "closes", "exec >&- <&-; sleep 100"), 300));
  CHECK(refused(write_program(dir, "short", signer_py(kSeed, "\"$1\"") + " | cut -c 1-60")));
  const std::string good_key = "[ $1 = public-key ] && exec " + signer_py(kSeed, "public-key") + "\n";
  CHECK(refused(write_program(dir, "stranger", good_key + signer_py(kOtherSeed, "sign"))));
  CHECK(refused(write_program(dir, "deaf", good_key + "echo 00")));
}

}  // namespace sluice::test
