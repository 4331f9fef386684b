#include "sluice/cli/verbs/audit_options.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "sluice/audit/command_signer.h"
#include "sluice/audit/log/entry.h"
#include "sluice/base/error.h"
#include "sluice/base/schema.h"
#include "sluice/cli/terminal.h"

namespace sluice::cli {
namespace {

/// A core dump would contain keys. The system gives none to a program that reads dumps if the limit is 1 byte.
void forbid_core_dumps() {
  rlimit limit{};
  if (getrlimit(RLIMIT_CORE, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(1, limit.rlim_max);
  setrlimit(RLIMIT_CORE, &limit);
}

}  // namespace

void AuditOptions::add(Options& options) {
  options.text("--audit", folder, "decision-log directory; created if absent, appended to otherwise")
      .choice("--durability", durability, {"none", "interval", "every"}, "when records are flushed to disk")
      .text("--subject", subject,
            "column of the subject that a decision is about, for --audit-keys and the log's index")
      .integer("--segment-bytes", segment_bytes, "size at which a file of the log is closed and the next one begun")
      .flag("--audit-keys", encrypt, "encrypt each subject's records with a key that can be erased");
  add_signer(options);
}

void AuditOptions::add_signer(Options& options) {
  options
      .text("--audit-key", key, "key file that signs the log's checkpoints; default: signing.key in the log's folder")
      .text("--audit-signer", signer,
            "program that signs them instead, so that the key can stay in a module or service");
}

std::unique_ptr<audit::Log> AuditOptions::open() const {
  using audit::Durability;
  audit::LogOptions options;
  options.durability = durability == "none"    ? Durability::none
                       : durability == "every" ? Durability::every
                                               : Durability::interval;
  options.segment_bytes = segment_bytes;
  options.encrypt = encrypt;
  if (!key.empty() && !signer.empty()) throw UsageError("--audit-key and --audit-signer exclude each other");
  options.signing_key = key;
  if (!signer.empty()) options.signer = std::make_shared<audit::CommandSigner>(signer);
  options.adopt_by = adopt_by;
  options.adopt_why = adopt_why;
  options.max_wait_ms = 60'000;  // a batch can wait for the disk
  if (encrypt && subject.empty()) throw UsageError("--audit-keys: --subject must name the column of the subject");
  forbid_core_dumps();
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
  const std::uint64_t n_lost = log.close();
  const audit::LogStatus status = log.status();
  const std::string& why = status.refusal.empty() ? status.trouble : status.refusal;
  if (n_lost + status.refused > 0)
    throw Error("audit.refused", "the log refused " + std::to_string(n_lost + status.refused) + " records: " + why,
                status.refusal.empty() ? "check the disk" : "the other records are in the log");
  if (!status.damage.empty()) warn(status.damage);
}

}  // namespace sluice::cli
