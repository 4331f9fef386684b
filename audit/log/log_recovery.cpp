#include <openssl/rand.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "sluice/audit/log/log_reader.h"
#include "sluice/audit/log/log_writer.h"
#include "sluice/audit/log/segment_reader.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"

namespace sluice::audit {
namespace {

constexpr auto kLockRetry = std::chrono::milliseconds(10);
constexpr int kLockTries = 10;

/// What was found in the last segment.
struct Found {
  SegmentReader::Next ending;     // `broken`: the file ends inside an entry
  std::uint64_t end = 0;          // byte after the last valid entry
  std::uint64_t n_proved = 0;     // entries that a checkpoint covers or a mark authenticates
  std::uint64_t proved_end = 0;   // byte after them
  bool has_strange_mark = false;  // after them is a mark of another key
  std::int64_t last_time_us = std::numeric_limits<std::int64_t>::min();
};

[[noreturn]] void fail_damaged(const std::filesystem::path& path, const std::string& what) {
  throw Error("log.damaged", path.string() + ": " + what, kVerifyHint);
}

/// Reads the entries of a segment into `state`, which is the one before them. Throws Error{log.damaged} unless they are
/// those that the last checkpoint covers.
Found read_segment(SegmentReader& reader, const std::filesystem::path& path, const std::optional<Checkpoint>& last,
                   const MarkKey& key, LogState& state) {
  Found found;
  const auto note_proof = [&](bool is_marked) {
    const bool is_covered = last ? state.size() == last->size : state.size() == 0;
    if (last && is_covered && !state.is_that_of(*last))
      fail_damaged(
          path, "the entries are not those that the checkpoint of " + std::to_string(last->size) + " entries covers");
    if (!is_covered && !(is_marked && state.size() > found.n_proved)) return;
    found.n_proved = state.size();
    found.proved_end = found.end;
    found.has_strange_mark = false;
  };
  EntryView entry;
  found.end = reader.offset();
  note_proof(false);
  while ((found.ending = reader.next(entry)) == SegmentReader::Next::entry && state.accept(entry).empty()) {
    found.end = reader.offset() + entry.size();
    found.last_time_us = std::max(found.last_time_us, entry.header.time_us);
    const bool is_marked = state.is_marked_by(key, entry);
    if (!entry.mark.empty() && !is_marked) found.has_strange_mark = true;
    note_proof(is_marked && !found.has_strange_mark);
  }
  return found;
}

}  // namespace

LogWriter::LogWriter(const std::filesystem::path& folder, const LogOptions& options)
    : folder_(folder), options_(options) {
  std::error_code error;
  if (std::filesystem::create_directories(folder_, error) && !error)
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all, error);
  if (error) throw Error("file.write", folder_.string() + ": " + error.message());
  lock();
  const auto numbers = segment_numbers(folder_);
  const PublicKey first_key = load_key();
  const auto keys = folder_ / "keys.db";
  if (!numbers.empty() && !std::filesystem::exists(keys) && has_encrypted_entries(folder_))
    throw Error("keys.none", folder_.string() + ": the log is encrypted, and keys.db is missing",
                "restore the log's own keys.db");
  if (options_.encrypt ? numbers.empty() || std::filesystem::exists(keys) : std::filesystem::exists(keys))
    keys_ = std::make_unique<SubjectKeys>(keys);
  else if (options_.encrypt)
    throw Error("keys.off", folder_.string() + ": the log was created without keys",
                "write it without keys, or create another log");
  checkpoints_ = CheckpointFile(folder_ / "checkpoints", first_key, signer_->public_key());
  if (const auto& last = checkpoints_.last(); last && last->size > 0)
    last_time_us_ = last->time_us;  // the latest time of all entries, in any segment
  if (numbers.empty())
    create();
  else
    recover(numbers.back());
  if (!keys_) return;
  keys_->bind(state_->log());
  keys_->apply(erasures_since(folder_, keys_->n_applied()), state_->size());
  if (!keys_->untold().empty()) tell_erasures(last_time_us_);
}

/// Locks the folder itself: a file that is locked can be deleted, and another one locked in its place.
void LogWriter::lock() {
  lock_ = PosixFile::open_folder(folder_);
  for (int n = 0; !lock_.lock(PosixFile::Lock::alone); ++n) {
    if (n == kLockTries)
      throw Error("log.locked", folder_.string() + ": another process is writing this log",
                  "only one process can write a log; use another folder");
    std::this_thread::sleep_for(kLockRetry);  // `verify` holds the lock for a moment
  }
}

/// Returns the log's first key.
PublicKey LogWriter::load_key() {
  const auto public_path = folder_ / "signing.pub";
  signer_ = options_.signer;
  if (!signer_) {
    const auto path = options_.signing_key.empty() ? folder_ / "signing.key" : options_.signing_key;
    if (!std::filesystem::exists(path) && options_.signing_key.empty() && !std::filesystem::exists(public_path))
      SigningKey::generate().save(path);
    signer_ = std::make_shared<SigningKey>(SigningKey::load(path));
  }
  mark_key_ = mark_key_of(*signer_);
  if (!std::filesystem::exists(public_path)) signer_->public_key().save(public_path);
  return PublicKey::load(public_path);
}

void LogWriter::create() {
  if (checkpoints_.last())
    throw Error("log.damaged", folder_.string() + ": there are checkpoints but no segments", kVerifyHint);
  LogId id;
  if (RAND_bytes(id.data(), static_cast<int>(id.size())) != 1)
    throw Error("keys.random", "OpenSSL cannot provide random bytes");
  state_.emplace(id);
  references_ = References::generate();
  references_.save(folder_);
  start_segment(0);
  checkpoint();
  opened_.created = true;
}

/// Reads the last segment. Its header has the state before it, so the root and the chain are known at the last
/// checkpoint, which is in this segment or right before it.
void LogWriter::recover(std::uint32_t number) {
  references_ = References::load(folder_);
  number_ = number;
  const auto path = segment_path(folder_, number);
  const auto& last = checkpoints_.last();
  const auto read = [&] {
    SegmentReader reader(path);
    if (reader.header().number != number) fail_damaged(path, "the file contains another segment");
    state_.emplace(number == 0 ? LogState(reader.header().log) : LogState(reader.header()));
    if (reader.header().bytes() != state_->next_segment(number).bytes())
      fail_damaged(path, "the first segment does not begin an empty log");
    if (last && state_->size() > last->size) fail_damaged(path, "the segment begins after the last checkpoint");
    return read_segment(reader, path, last, mark_key_, *state_);
  };
  Found found = read();
  if (last ? state_->size() < last->size : state_->size() > 0)
    fail_damaged(folder_, std::to_string(state_->size()) + " valid entries, but the last checkpoint covers " +
                              (last ? std::to_string(last->size) : "none"));
  const bool is_torn = found.ending != SegmentReader::Next::end;
  const bool is_proved = found.n_proved == state_->size();
  if (!is_proved && options_.adopt_by.empty() && (!is_torn || found.has_strange_mark))
    throw Error("log.unsigned_tail",
                folder_.string() + ": nothing proves that the entries from " + std::to_string(found.n_proved) +
                    " on are this log's: no checkpoint covers them, and no mark of its key follows them",
                "look at them with sluice audit show; sluice audit adopt keeps them, and records who decided so");
  segment_ = PosixFile::open_to_write(path);
  // A group is written with its mark. If the mark is missing, none of the group was whole.
  offset_ = is_torn && options_.adopt_by.empty() ? found.proved_end : found.end;
  if (is_torn) {
    set_aside(path);
    found = read();  // the state may have accepted an entry whose mark it then refused
  }
  opened_.n_entries = state_->size();
  last_time_us_ = std::max(last_time_us_, found.last_time_us);
  const std::int64_t time_us = std::max<std::int64_t>(last_time_us_, 0);
  if (found.n_proved < state_->size()) adopt(found.n_proved, time_us);
  if (is_torn) add(EntryKind::recovery, time_us, 0, opened_.message);
  sync();
  checkpoint();
}

void LogWriter::adopt(std::uint64_t first, std::int64_t time_us) {
  const Adoption adoption{first, state_->size(), state_->chain(), options_.adopt_by, options_.adopt_why};
  std::string payload;
  encode(payload, adoption);
  seal({.kind = EntryKind::adoption, .time_us = time_us}, payload, nullptr);
  opened_.n_adopted = adoption.end - adoption.first;
}

/// Moves the bytes from `offset_` on, which are a torn write, to a separate file.
void LogWriter::set_aside(const std::filesystem::path& path) {
  const std::string tail = read_file(path).substr(offset_);
  const auto aside = path.string() + ".torn-" + std::to_string(offset_);
  write_file(aside, tail);
  check_write(segment_.truncate(offset_), path);
  check_write(segment_.sync(), path);
  opened_.truncated_bytes = tail.size();
  opened_.message = path.filename().string() + ": " + std::to_string(tail.size()) +
                    " bytes of a torn write were moved to " + std::filesystem::path(aside).filename().string();
}

}  // namespace sluice::audit
