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
  options.text("--audit", folder, "decision-log directory; created if absent, appended to otherwise")
      .choice("--durability", durability, {"none", "interval", "every"}, "when records are flushed to disk")
      .text("--subject", subject,
            "column of the subject that a decision is about, for --audit-keys and the log's index")
      .flag("--audit-keys", encrypt, "encrypt each subject's records with a key that can be erased")
      .text("--audit-key", key, "key file that signs the log's checkpoints; default: signing.key in the log's folder");
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
  if (audit::segment_numbers(folder).empty()) throw Error("log.none", folder + ": this folder contains no log");
  return open();
}

std::uint64_t parse_count(const std::string& text, const char* flag) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || text.size() > 18 || !std::all_of(text.begin(), text.end(), is_digit))
    throw UsageError(std::string(flag) + ": \"" + text + "\" is not an entry number");
  return std::stoull(text);
}

std::optional<std::int64_t> parse_time_us(std::string_view text) {
  constexpr double kMaxSeconds = 9e11;  // so that microseconds fit in int64
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
    throw Error("audit.refused", "the log refused " + std::to_string(n_lost) + " records: " + log.status().trouble,
                "check the disk; an id may have at most 65,535 bytes");
}

}  // namespace sluice::cli
