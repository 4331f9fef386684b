#include <openssl/rand.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sluice/audit/log/log_writer.h"
#include "sluice/audit/log/segment_reader.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"

namespace sluice::audit {
namespace {

constexpr const char* kVerify = "sluice audit verify names the first entry that cannot be trusted";

void must(int error, const std::filesystem::path& path) {
  if (error != 0) throw Error("file.write", path.string() + ": " + std::strerror(error));
}

}  // namespace

LogWriter::LogWriter(const std::filesystem::path& folder, const LogOptions& options)
    : folder_(folder), options_(options) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) throw Error("file.write", folder_.string() + ": " + error.message());
  lock();
  const auto numbers = segment_numbers(folder_);
  load_key();
  const auto keys = folder_ / "keys.db";
  if (options_.encrypt ? numbers.empty() || std::filesystem::exists(keys) : std::filesystem::exists(keys))
    keys_ = std::make_unique<SubjectKeys>(keys);
  else if (options_.encrypt)
    throw Error("keys.off", folder_.string() + ": the log was created without keys",
                "write it without keys, or create another log");
  open_checkpoints();
  if (numbers.empty())
    create();
  else
    recover(numbers.back());
  if (keys_ && !keys_->untold().empty()) tell_erasures(last_time_us_);
}

void LogWriter::lock() {
  lock_ = PosixFile::open_to_write(folder_ / "lock");
  if (!lock_.lock())
    throw Error("log.locked", folder_.string() + ": another process is writing this log",
                "only one process can write a log; use another folder");
}

void LogWriter::load_key() {
  const auto path = options_.signing_key.empty() ? folder_ / "signing.key" : options_.signing_key;
  const auto public_path = folder_ / "signing.pub";
  if (!std::filesystem::exists(path) && options_.signing_key.empty() && !std::filesystem::exists(public_path))
    SigningKey::generate().save(path);
  key_ = SigningKey::load(path);
  if (!std::filesystem::exists(public_path)) key_->public_key().save(public_path);
  if (PublicKey::load(public_path).bytes != key_->public_key().bytes)
    throw Error("key.mismatch", path.string() + ": this key did not sign the log's checkpoints",
                "use the key that belongs to signing.pub in the log's folder");
}

/// Reads up to the last whole line and cuts off a torn one after it.
void LogWriter::open_checkpoints() {
  const auto path = folder_ / "checkpoints";
  checkpoints_ = PosixFile::open_to_write(path);
  const std::string text = read_file(path);
  checkpoints_end_ = text.rfind('\n') == text.npos ? 0 : text.rfind('\n') + 1;
  if (checkpoints_end_ < text.size()) must(checkpoints_.truncate(checkpoints_end_), path);
  if (checkpoints_end_ == 0) return;
  const std::size_t before = text.rfind('\n', checkpoints_end_ - 2);
  const std::size_t start = before == text.npos ? 0 : before + 1;
  const Checkpoint last = Checkpoint::parse(std::string_view(text).substr(start, checkpoints_end_ - start));
  if (!last.is_signed_by(key_->public_key()))
    throw Error("log.damaged", path.string() + ": the last checkpoint was not signed by this key", kVerify);
  checkpointed_ = last.size;
  has_checkpoint_ = true;
  if (last.size > 0) last_time_us_ = last.time_us;  // the latest time of all entries, in any segment
}

void LogWriter::create() {
  if (has_checkpoint_)
    throw Error("log.damaged", folder_.string() + ": there are checkpoints but no segments", kVerify);
  LogId id;
  if (RAND_bytes(id.data(), static_cast<int>(id.size())) != 1)
    throw Error("keys.random", "OpenSSL cannot provide random bytes");
  state_.emplace(id);
  start_segment(0);
  checkpoint();
  opened_.created = true;
}

void LogWriter::recover(std::uint32_t number) {
  const auto path = segment_path(folder_, number);
  SegmentReader reader(path);
  if (reader.header().number != number)
    throw Error("log.damaged", path.string() + ": the file contains another segment", kVerify);
  state_.emplace(reader.header());
  EntryView entry;
  SegmentReader::Next next;
  while ((next = reader.next(entry)) == SegmentReader::Next::entry && state_->accept(entry).empty())
    last_time_us_ = std::max(last_time_us_, entry.header.time_us);
  opened_.n_entries = state_->size();
  if (has_checkpoint_ ? state_->size() < checkpointed_ : state_->size() > 0)
    throw Error("log.damaged",
                folder_.string() + ": " + std::to_string(state_->size()) +
                    " valid entries, but the last checkpoint covers " +
                    (has_checkpoint_ ? std::to_string(checkpointed_) : "none"),
                kVerify);
  number_ = number;
  offset_ = reader.offset();
  segment_ = PosixFile::open_to_write(path);
  if (next != SegmentReader::Next::end) truncate(path, offset_);
  if (!has_checkpoint_) checkpoint();
}

/// The bytes after the last whole entry are a torn write. They are moved to a separate file, and a recovery entry
/// records this.
void LogWriter::truncate(const std::filesystem::path& path, std::uint64_t end) {
  const std::string tail = read_file(path).substr(end);
  const auto aside = path.string() + ".torn-" + std::to_string(end);
  write_file(aside, tail);
  must(segment_.truncate(end), path);
  must(segment_.sync(), path);
  opened_.truncated_bytes = tail.size();
  opened_.message = path.filename().string() + ": " + std::to_string(tail.size()) + " bytes of a torn write after " +
                    std::to_string(state_->size()) + " entries were moved to " +
                    std::filesystem::path(aside).filename().string();
  add(EntryKind::recovery, last_time_us_ == std::numeric_limits<std::int64_t>::min() ? 0 : last_time_us_, 0,
      opened_.message);
  sync();
}

}  // namespace sluice::audit
