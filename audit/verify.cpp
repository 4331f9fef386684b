#include "sluice/audit/verify.h"

#include <algorithm>
#include <map>
#include <utility>

#include "sluice/audit/adoption.h"
#include "sluice/audit/log/log_reader.h"
#include "sluice/audit/log/posix_file.h"
#include "sluice/audit/review.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"

namespace sluice::audit {
namespace {

constexpr const char* kCheckpoints = "checkpoints";

/// Compares the entries with the checkpoints, which are in ascending order of their sizes.
class Verification {
 public:
  Verification(const std::filesystem::path& folder, std::vector<Checkpoint> checkpoints, VerifyReport& report)
      : folder_(folder), reader_(folder), checkpoints_(std::move(checkpoints)), report_(report) {}

  void run() {
    EntryView entry;
    bool more = reader_.next(entry);
    if (const auto& first = reader_.first()) {
      report_.first_entry = first->first_index;
      compare(LogState(*first));
    }
    for (; more; more = reader_.next(entry)) {
      count(entry.header);
      if (entry.header.kind == EntryKind::review) note_review(entry);
      if (entry.header.kind == EntryKind::adoption) check_adoption(entry);
      compare(*reader_.state());
    }
    report_.n_segments = reader_.n_segments();
    const bool is_torn = reader_.fault() && reader_.fault()->code == "log.entry" && reader_.is_last();
    if (reader_.fault() && !(is_torn && report_.is_written)) report_.faults.push_back(*reader_.fault());
    if (const auto& state = reader_.state()) {
      report_.log = state->log();
      report_.n_entries = state->size();
      report_.chain = state->chain();
      report_.root = state->tree().root();
    }
    if (!reader_.fault() && at_ < checkpoints_.size())
      fault("log.truncated", "the log ends after " + std::to_string(report_.n_entries) +
                                 " entries; a checkpoint covers " + std::to_string(checkpoints_.back().size));
    if (reader_.fault()) return;
    if (report_.n_covered < report_.n_entries && !report_.is_written)
      fault_at(report_.n_covered, "log.unsigned_tail",
               "no checkpoint covers the entries from here to the end, and no writer has the log open");
    check_retention();
    check_reviews();
  }

 private:
  void count(const EntryHeader& header) {
    report_.n_erasures += header.kind == EntryKind::erasure;
    report_.n_recoveries += header.kind == EntryKind::recovery;
    report_.n_retentions += header.kind == EntryKind::retention;
    report_.n_adoptions += header.kind == EntryKind::adoption;
    report_.n_reviews += header.kind == EntryKind::review;
    report_.n_clock_went_back += (header.flags & kClockWentBack) != 0;
  }

  /// Compares the checkpoints up to the present size. If retention deleted a checkpoint's entries, only its signature
  /// and its log id can be checked.
  void compare(const LogState& state) {
    for (; at_ < checkpoints_.size() && checkpoints_[at_].size <= state.size(); ++at_) {
      const Checkpoint& checkpoint = checkpoints_[at_];
      if (checkpoint.log != state.log())
        fault("checkpoint.log", "a checkpoint belongs to another log");
      else if (checkpoint.size == state.size() && !state.is_that_of(checkpoint))
        fault("checkpoint.root",
              "the checkpoint of " + std::to_string(checkpoint.size) + " entries does not match them");
      else if (checkpoint.size == state.size())
        report_.n_covered = checkpoint.size;
    }
  }

  /// Anyone who can write the folder can append a retention entry; only a checkpoint proves that the log's writer did.
  void check_retention() {
    if (report_.first_entry > 0 && *reader_.told() >= report_.n_covered)
      fault_at(0, "log.gap", "leading segments are missing, and no checkpoint covers the retention entry");
  }

  void check_adoption(const EntryView& entry) {
    const std::uint64_t at = entry.header.index;
    try {
      if (decode_adoption(entry.payload).end > at) fault_at(at, "adoption.end", "the adoption names later entries");
    } catch (const Error& e) {
      fault_at(at, e.code(), e.message());
    }
  }

  struct NamedBy {
    Digest entry;
    std::uint64_t review = 0;
  };

  /// Notes the entry that an unencrypted review names. check_reviews looks them up in a second pass over the log, if
  /// there are any.
  void note_review(const EntryView& entry) {
    if (entry.header.flags & kEncrypted) return;
    const std::uint64_t at = entry.header.index;
    try {
      const EntryLink named = decode_review(entry.payload).decision;
      if (named.index >= at) return fault_at(at, "review.link", "the review names a later entry");
      named_.emplace(named.index, NamedBy{named.entry, at});
    } catch (const Error& e) {
      fault_at(at, e.code(), e.message());
    }
  }

  void check_reviews() {
    if (named_.empty()) return;
    LogReader again(folder_, named_.begin()->first);
    for (EntryView entry; again.next(entry) && entry.header.index <= named_.rbegin()->first;) {
      const auto [first, last] = named_.equal_range(entry.header.index);
      for (auto at = first; at != last; ++at)
        if (entry.header.kind != EntryKind::decision || sha256(entry.hashed) != at->second.entry)
          fault_at(at->second.review, "review.link",
                   "the review names entry " + std::to_string(at->first) +
                       ", which is not a decision with the hash that it gives");
    }
  }

  void fault(std::string code, std::string message) {
    fault_at(reader_.state()->size(), std::move(code), std::move(message));
  }
  void fault_at(std::uint64_t index, std::string code, std::string message) {
    report_.faults.push_back(
        {segment_path("", reader_.segment()).filename().string(), 0, index, std::move(code), std::move(message)});
  }

  std::filesystem::path folder_;
  LogReader reader_;
  std::multimap<std::uint64_t, NamedBy> named_;
  std::vector<Checkpoint> checkpoints_;
  std::size_t at_ = 0;
  VerifyReport& report_;
};

void add_known(const Checkpoint& known, const PublicKey& key, std::vector<Checkpoint>& checkpoints,
               std::vector<Fault>& faults) {
  const bool is_signed =
      known.is_signed_by(key) || std::any_of(checkpoints.begin(), checkpoints.end(), [&](const Checkpoint& checkpoint) {
        return checkpoint.next_key && known.is_signed_by(*checkpoint.next_key);
      });
  if (!is_signed) {
    faults.push_back({"the known checkpoint", 0, {}, "checkpoint.signature", "not signed by a key of this log"});
    return;
  }
  const auto at = std::lower_bound(checkpoints.begin(), checkpoints.end(), known,
                                   [](const Checkpoint& a, const Checkpoint& b) { return a.size < b.size; });
  checkpoints.insert(at, known);
}

/// Whether a writer has the log open: it has locked the folder.
bool has_writer(const std::filesystem::path& folder) {
  return !PosixFile::open_folder(folder).lock(PosixFile::Lock::shared);
}

}  // namespace

std::string to_string(const Fault& fault) {
  return fault.file + " at byte " + std::to_string(fault.offset) +
         (fault.index ? ", entry " + std::to_string(*fault.index) : "") + ": " + fault.code + ": " + fault.message;
}

namespace {

/// The key that signed the first line: the trusted one, or the one in the folder, which may have handed over to it.
PublicKey first_key(const std::filesystem::path& folder, const PublicKey& trusted, std::string_view text) {
  const auto path = folder / "signing.pub";
  if (!std::filesystem::exists(path)) return trusted;
  try {
    if (Checkpoint::parse(text.substr(0, text.find('\n') + 1)).is_signed_by(trusted)) return trusted;
  } catch (const Error&) {
    return trusted;
  }
  return PublicKey::load(path);
}

}  // namespace

std::vector<Checkpoint> read_checkpoints(const std::filesystem::path& folder, const PublicKey& key,
                                         std::vector<Fault>& faults, bool is_written) {
  std::vector<Checkpoint> checkpoints;
  const auto path = folder / kCheckpoints;
  const std::string text = std::filesystem::exists(path) ? read_file(path) : "";
  const auto fault = [&](std::size_t at, const char* code, const std::string& message) {
    faults.push_back({kCheckpoints, at, {}, code, message});
  };
  PublicKey now = first_key(folder, key, text);  // signs the present line
  bool is_used = now == key;
  std::string_view before;
  if (text.empty()) fault(0, "checkpoint.missing", "the log has no checkpoints");
  for (std::size_t at = 0, end; at < text.size(); at = end) {
    end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const std::string_view line = std::string_view(text).substr(at, end - at);
    try {
      if (is_written && !line.ends_with('\n')) break;
      const Checkpoint checkpoint = Checkpoint::parse(line);
      if (!checkpoint.is_signed_by(now))
        fault(at, "checkpoint.signature", "the line was changed, or was not signed by this key");
      else if (at == 0 && !checkpoint.is_first())
        fault(at, "checkpoint.first", "the first line is not that of the empty log: lines before it are missing");
      else if (at > 0 && checkpoint.previous != sha256(before))
        fault(at, "checkpoint.link", "the line before this one was changed, moved or deleted");
      else if (!checkpoints.empty() && !checkpoint.grows_from(checkpoints.back()))
        fault(at, "checkpoint.order", "the checkpoint does not have more entries than the one before it");
      else
        checkpoints.push_back(checkpoint);
      if (checkpoint.next_key && checkpoint.is_signed_by(now)) now = *checkpoint.next_key;
      is_used |= now == key;
    } catch (const Error& e) {
      fault(at, "checkpoint.format", e.message());
    }
    before = line;
  }
  if (!is_used) fault(0, "checkpoint.key", "no line was signed by the given key, and none hands over to it");
  return checkpoints;
}

VerifyReport verify_log(const std::filesystem::path& folder, const VerifyOptions& options) {
  const PublicKey key = options.key ? *options.key : PublicKey::load(folder / "signing.pub");
  VerifyReport report;
  report.is_written = std::filesystem::is_directory(folder) && has_writer(folder);
  auto checkpoints = read_checkpoints(folder, key, report.faults, report.is_written);
  report.n_checkpoints = checkpoints.size();
  if (options.known) add_known(*options.known, key, checkpoints, report.faults);
  Verification(folder, std::move(checkpoints), report).run();
  if (options.known && options.known->size < report.first_entry)
    report.faults.push_back({"the known checkpoint",
                             0,
                             {},
                             "checkpoint.retained",
                             "retention deleted its entries, so that it cannot be checked"});
  return report;
}

}  // namespace sluice::audit
