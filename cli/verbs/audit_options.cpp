#include "sluice/cli/verbs/audit_options.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "sluice/audit/log/entry.h"
#include "sluice/base/error.h"
#include "sluice/base/schema.h"
#include "sluice/cli/terminal.h"

namespace sluice::cli {

void AuditOptions::add(Options& options) {
  options.text("--audit", folder, "folder of a decision log, made or gone on with")
      .choice("--durability", durability, {"none", "interval", "every"}, "when the log's records are on disk")
      .text("--subject", subject, "column that says whose decision it is, for --audit-keys and the log's index")
      .flag("--audit-keys", encrypt, "encrypt each subject's records under a key that can be erased")
      .text("--audit-key", key,
            "file of the key that signs the log's checkpoints; signing.key in the folder without it");
}

std::unique_ptr<audit::Log> AuditOptions::open() const {
  using audit::Durability;
  audit::LogOptions options;
  options.durability = durability == "none"    ? Durability::none
                       : durability == "every" ? Durability::every
                                               : Durability::interval;
  options.encrypt = encrypt;
  options.signing_key = key;
  options.max_wait_ms = 60'000;  // a batch can wait for the disk
  auto log = std::make_unique<audit::Log>(folder, options);
  if (!log->opened().message.empty()) warn(log->opened().message);
  return log;
}

std::unique_ptr<audit::Log> AuditOptions::open_existing() const {
  if (audit::segment_numbers(folder).empty()) throw Error("log.none", folder + ": there is no log in this folder");
  return open();
}

std::uint64_t parse_count(const std::string& text, const char* flag) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || text.size() > 18 || !std::all_of(text.begin(), text.end(), is_digit))
    throw UsageError(std::string(flag) + ": \"" + text + "\" is no number of an entry");
  return std::stoull(text);
}

std::optional<std::int64_t> parse_time_us(std::string_view text) {
  constexpr double kMaxSeconds = 9e11;  // of a signed number of microseconds
  const auto seconds = parse_time(text);
  if (!seconds || std::abs(*seconds) > kMaxSeconds) return std::nullopt;
  return std::llround(*seconds * 1e6);
}

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void close_log(audit::Log& log) {
  const std::uint64_t n_lost = log.close() + log.status().refused;
  if (n_lost > 0)
    throw Error("audit.refused", "the log did not take " + std::to_string(n_lost) + " records: " + log.status().trouble,
                "check the disk, and that no id is longer than 65,535 bytes");
}

}  // namespace sluice::cli
