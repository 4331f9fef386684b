#include <pwd.h>
#include <unistd.h>

#include <iostream>
#include <optional>

#include "sluice/audit/command_signer.h"
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
              << report.n_reviews << " reviews, " << report.n_adoptions << " adoptions, clock back "
              << report.n_clock_went_back << " times\n"
              << (report.is_written ? "a writer has the log open; it signs the last entries when they are due\n" : "")
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
  json.field("adoptions", report.n_adoptions).field("being_written", report.is_written);
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

/// The name of the user that runs this process.
std::string user_name() {
  const passwd* user = getpwuid(geteuid());
  return user && *user->pw_name ? user->pw_name : "user " + std::to_string(geteuid());
}

int anchor(const Arguments& arguments) {
  std::string folder, key;
  Options options("audit anchor",
                  "Prints the last checkpoint, for a witness who keeps it where the log's owner cannot change it. "
                  "sluice audit verify --known compares the log with it later.",
                  "sluice audit anchor log");
  options.positional("DIR", folder, "folder of the log");
  options.text("--key", key, "file of the public key; default: signing.pub in the folder");
  if (!options.parse(arguments)) return 0;
  std::cout
      << audit::last_checkpoint(folder, audit::PublicKey::load(key.empty() ? folder + "/signing.pub" : key)).line();
  return 0;
}

int adopt(const Arguments& arguments) {
  AuditOptions log_options;
  log_options.adopt_by = user_name();
  Options options(
      "audit adopt",
      "Signs the entries after the last checkpoint that the log's key does not prove to be its own, as after "
      "a power failure. The log records who ordered it, and why.",
      "sluice audit adopt log --why \"power failure of 1 December; compared with the payment system\"");
  options.positional("DIR", log_options.folder, "folder of the log")
      .required("--why", log_options.adopt_why, "why these entries can be trusted")
      .text("--by", log_options.adopt_by, "who orders it; default: the user that runs this");
  log_options.add_signer(options);
  if (!options.parse(arguments)) return 0;
  if (log_options.adopt_by.empty() || log_options.adopt_why.empty())
    throw UsageError("sluice audit adopt: --by and --why must not be empty");
  const auto log = log_options.open_existing();
  close_log(*log);
  std::cout << log->opened().n_adopted << " entries adopted\n";
  return 0;
}

/// The key that is to sign: a program's, the one in a file, or a new one that is written there.
std::shared_ptr<const audit::Signer> next_signer(const std::string& program, const std::filesystem::path& file) {
  if (!program.empty()) return std::make_shared<audit::CommandSigner>(program);
  if (!std::filesystem::exists(file)) audit::SigningKey::generate().save(file);
  return std::make_shared<audit::SigningKey>(audit::SigningKey::load(file));
}

int rotate_key(const Arguments& arguments) {
  AuditOptions log_options;
  std::string to, to_signer;
  Options options(
      "audit rotate-key",
      "Replaces the key that signs a log's checkpoints. The old key signs that it hands over to the new one, "
      "so that whoever trusts the old key can verify what the new one signs.",
      "sluice audit rotate-key log");
  options.positional("DIR", log_options.folder, "folder of the log");
  options.text("--to", to, "file of the new key, made if it is absent; default: signing.key in the folder, replaced")
      .text("--to-signer", to_signer, "program that signs from now on");
  log_options.add_signer(options);
  if (!options.parse(arguments)) return 0;
  if (!to.empty() && !to_signer.empty()) throw UsageError("--to and --to-signer exclude each other");
  const auto own = std::filesystem::path(log_options.folder) / "signing.key";
  const bool replaces_own = to.empty() && to_signer.empty();
  const auto file = replaces_own ? std::filesystem::path(own.string() + ".next") : std::filesystem::path(to);
  const auto log = log_options.open_existing();
  const auto next = next_signer(to_signer, file);
  log->rotate_key(next);
  close_log(*log);
  if (replaces_own) std::filesystem::rename(file, own);
  const auto& bytes = next->public_key().bytes;
  std::cout << "signed from now on by " << audit::to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()})
            << "\n";
  return 0;
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
  options.text("--by", who, "who orders the deletion; default: the current user");
  log_options.add_signer(options);
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
  log_options.add_signer(options);
  if (!options.parse(arguments)) return 0;
  const auto log = log_options.open_existing();
  const bool erased = log->erase(log->subject_reference(subject), now_us());
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
                   {"anchor", "print the last checkpoint, for a witness", anchor},
                   {"adopt", "sign entries that the key does not prove", adopt},
                   {"rotate-key", "replace the key that signs checkpoints", rotate_key},
                   {"show", "print entries as JSON", run_audit_show},
                   {"export", "write the whole log as JSON lines", run_audit_export},
                   {"erase", "delete a subject's key", erase},
                   {"retain", "delete entries older than a time", retain}},
                  arguments);
}

}  // namespace sluice::cli
