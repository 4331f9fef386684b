#include <pwd.h>
#include <unistd.h>

#include <iostream>
#include <optional>

#include "sluice/audit/log.h"
#include "sluice/audit/verify.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/json_text.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/verbs.h"
#include "sluice/cli/verbs/audit_options.h"
#include "sluice/cli/verbs/audit_show.h"

namespace sluice::cli {
namespace {

void print_report(const audit::VerifyReport& report, bool as_json) {
  if (!as_json) {
    for (const auto& fault : report.faults) std::cout << to_string(fault) << "\n";
    std::cout << (report.is_whole() ? "whole" : "NOT whole") << ": " << report.n_entries << " entries in "
              << report.n_segments << " segments, " << report.n_covered << " of them under " << report.n_checkpoints
              << " signed checkpoints; " << report.n_erasures << " erasures, " << report.n_recoveries << " recoveries, "
              << report.n_reviews << " reviews, clock back " << report.n_clock_went_back << " times\n"
              << (report.first_entry > 0
                      ? "entries before " + std::to_string(report.first_entry) + " were deleted by retention\n"
                      : "")
              << "root " << report.root.hex() << "\n";
    return;
  }
  std::string text;
  JsonText json(text);
  json.open('{').field("whole", report.is_whole()).field("entries", report.n_entries);
  json.field("segments", report.n_segments).field("covered", report.n_covered);
  json.field("checkpoints", report.n_checkpoints).field("erasures", report.n_erasures);
  json.field("recoveries", report.n_recoveries).field("reviews", report.n_reviews);
  json.field("retentions", report.n_retentions).field("first_entry", report.first_entry);
  json.field("clock_went_back", report.n_clock_went_back);
  json.field("root", std::string_view(report.root.hex())).field("chain", std::string_view(report.chain.hex()));
  json.key("faults").open('[');
  for (const auto& fault : report.faults) {
    json.open('{').field("file", std::string_view(fault.file)).field("offset", fault.offset).key("index");
    fault.index ? json.value(*fault.index) : json.null();
    json.field("code", std::string_view(fault.code)).field("message", std::string_view(fault.message)).close('}');
  }
  json.close(']').close('}');
  std::cout << text << "\n";
}

int verify_log(const Arguments& arguments) {
  std::string folder, key, known;
  CommonOptions common;
  Options options("audit verify", "Verifies a decision log: chain, tree, checkpoints. Exit code 3 if it is not whole.",
                  "sluice audit verify log");
  options.positional("DIR", folder, "folder of the log");
  options.text("--key", key, "public key file from another place; default: signing.pub in the log's folder")
      .text("--known", known, "file with a checkpoint line kept elsewhere, which must still hold");
  common.add_json(options);
  if (!options.parse(arguments)) return 0;
  audit::VerifyOptions asked;
  if (!key.empty()) asked.key = audit::PublicKey::load(key);
  if (!known.empty()) asked.known = audit::Checkpoint::parse(read_file(known));
  const auto report = audit::verify_log(folder, asked);
  print_report(report, common.json);
  return report.is_whole() ? 0 : kFound;
}

int prove(const Arguments& arguments) {
  std::string folder, index, from;
  Options options(
      "audit prove",
      "Prints a proof for a third party, as JSON: that an entry is in the log, or that the log has only grown.",
      "sluice audit prove log --index 0");
  options.positional("DIR", folder, "folder of the log");
  options.text("--index", index, "number of the entry to prove")
      .text("--from", from, "size of an older checkpoint; proves that the log continues it");
  if (!options.parse(arguments)) return 0;
  if (index.empty() == from.empty()) throw UsageError("sluice audit prove: give --index or --from");
  std::cout << (index.empty() ? audit::prove_consistency(folder, parse_count(from, "--from"))
                              : audit::prove_entry(folder, parse_count(index, "--index")))
            << "\n";
  return 0;
}

/// The name of the user that runs this process.
std::string user_name() {
  const passwd* user = getpwuid(geteuid());
  return user && *user->pw_name ? user->pw_name : "user " + std::to_string(geteuid());
}

int retain(const Arguments& arguments) {
  AuditOptions log_options;
  std::string before, who = user_name();
  Options options(
      "audit retain",
      "Deletes the leading segments whose entries are all older than a time, but never the last segment. The log "
      "records the deletion, and the rest still verifies.",
      "sluice audit retain log --before 2020-01-01 --by \"A. Jansen\"");
  options.positional("DIR", log_options.folder, "folder of the log")
      .required("--before", before,
                "delete entries before this time: ISO 8601 or seconds since 1970; must be in the past");
  options.text("--by", who, "who orders the deletion; default: the current user")
      .text("--audit-key", log_options.key, "key file that signs checkpoints");
  if (!options.parse(arguments)) return 0;
  const auto before_us = parse_time_us(before);
  if (!before_us || *before_us > now_us()) throw UsageError("--before: \"" + before + "\" must be a time in the past");
  const auto log = log_options.open_existing();
  const auto gone = log->retain(*before_us, who, now_us());
  close_log(*log);
  if (gone.kept == gone.first)
    std::cout << "no segment has only older entries; nothing was deleted\n";
  else
    std::cout << "entries " << gone.first << " to " << gone.kept - 1 << " were deleted\n";
  return 0;
}

int erase(const Arguments& arguments) {
  AuditOptions log_options;
  std::string subject;
  Options options("audit erase", "Deletes a subject's key: its records become unreadable, and the log still verifies.",
                  "sluice audit erase log --subject \"Jane Doe\"");
  options.positional("DIR", log_options.folder, "folder of the log")
      .required("--subject", subject, "the subject, as it was logged");
  options.text("--audit-key", log_options.key, "key file that signs checkpoints");
  if (!options.parse(arguments)) return 0;
  const auto log = log_options.open_existing();
  const bool erased = log->erase(audit::subject_reference(subject), now_us());
  close_log(*log);
  if (!erased) throw Error("audit.no_subject", log_options.folder + ": no key for subject \"" + subject + "\"");
  std::cout << "erased\n";
  return 0;
}

}  // namespace

int run_audit(const Arguments& arguments) {
  return dispatch("sluice audit",
                  {{"verify", "verify that a log is whole; report the first faulty entry", verify_log},
                   {"prove", "print proofs for a third party", prove},
                   {"show", "print entries as JSON", run_audit_show},
                   {"export", "write the whole log as JSON lines", run_audit_export},
                   {"erase", "delete a subject's key", erase},
                   {"retain", "delete entries older than a time", retain}},
                  arguments);
}

}  // namespace sluice::cli
