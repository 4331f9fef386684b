#include <algorithm>
#include <functional>
#include <iostream>
#include <limits>
#include <optional>

#include "sluice/audit/index.h"
#include "sluice/audit/log.h"
#include "sluice/audit/log_reader.h"
#include "sluice/audit/verify.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/json_text.h"
#include "sluice/cli/audit_options.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/terminal.h"
#include "sluice/cli/verbs.h"

namespace sluice::cli {
namespace {

constexpr int kFound = 3;

std::uint64_t parse_count(const std::string& text, const char* flag) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || text.size() > 18 || !std::all_of(text.begin(), text.end(), is_digit))
    throw UsageError(std::string(flag) + ": \"" + text + "\" is no number of an entry");
  return std::stoull(text);
}

void print_report(const audit::VerifyReport& report, bool as_json) {
  if (!as_json) {
    for (const auto& fault : report.faults) std::cout << to_string(fault) << "\n";
    std::cout << (report.is_whole() ? "whole" : "NOT whole") << ": " << report.n_entries << " entries in "
              << report.n_segments << " segments, " << report.n_covered << " of them under " << report.n_checkpoints
              << " signed checkpoints; " << report.n_erasures << " erasures, " << report.n_recoveries
              << " recoveries, clock back " << report.n_clock_went_back << " times\n"
              << "root " << report.root.hex() << "\n";
    return;
  }
  std::string text;
  JsonText json(text);
  json.open('{').field("whole", report.is_whole()).field("entries", report.n_entries);
  json.field("segments", report.n_segments).field("covered", report.n_covered);
  json.field("checkpoints", report.n_checkpoints).field("erasures", report.n_erasures);
  json.field("recoveries", report.n_recoveries).field("clock_went_back", report.n_clock_went_back);
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

int verify(const Arguments& arguments) {
  std::string folder, key, known;
  CommonOptions common;
  Options options("audit verify",
                  "Whether a decision log is whole: chain, tree, checkpoints. Exit code 3 where it is not.",
                  "sluice audit verify log");
  options.positional("DIR", folder, "folder of the log");
  options.text("--key", key, "file of the public key, kept elsewhere; signing.pub in the folder without it")
      .text("--known", known, "file of a checkpoint line, kept elsewhere, that must still hold");
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
  Options options("audit prove",
                  "A proof for a third party, as JSON: that an entry is in the log, or that the log has only grown.",
                  "sluice audit prove log --index 0");
  options.positional("DIR", folder, "folder of the log");
  options.text("--index", index, "the entry that is to be proved")
      .text("--from", from, "the size of an older checkpoint, of which the log is to be proved a continuation");
  if (!options.parse(arguments)) return 0;
  if (index.empty() == from.empty()) throw UsageError("sluice audit prove: give --index or --from");
  std::cout << (index.empty() ? audit::prove_consistency(folder, parse_count(from, "--from"))
                              : audit::prove_entry(folder, parse_count(index, "--index")))
            << "\n";
  return 0;
}

/// One entry as a line of JSON.
std::string line_of(const audit::EntryView& entry, audit::PayloadReader& payloads, const Schema* schema) {
  std::string text;
  JsonText json(text);
  const auto& header = entry.header;
  json.open('{').field("index", header.index).field("time_us", header.time_us);
  if (header.kind == audit::EntryKind::erasure) {
    json.field("kind", "erasure").field("key", std::to_string(header.subject));
  } else if (header.kind == audit::EntryKind::recovery) {
    json.field("kind", "recovery").field("message", entry.payload);
  } else if (const auto payload = payloads.read(entry)) {
    std::string record;
    audit::append_json(record, audit::decode(*payload), schema);
    json.field("kind", "decision").key("record").raw(record);
  } else {
    json.field("kind", "decision").field("erased", true);
  }
  json.close('}');
  return text;
}

struct Wanted {
  std::string index, id, subject;

  bool takes(const audit::EntryView& entry, audit::PayloadReader& payloads) const {
    if (!index.empty() && std::to_string(entry.header.index) != index) return false;
    if (id.empty() && subject.empty()) return true;
    if (entry.header.kind != audit::EntryKind::decision) return false;
    const auto payload = payloads.read(entry);
    if (!payload) return false;
    const auto head = audit::decode_head(audit::split(*payload).head);
    return (id.empty() || head.id == id) && (subject.empty() || head.subject == audit::subject_reference(subject));
  }
};

std::uint64_t write_entries(const std::string& folder, const Wanted& wanted, const std::string& bundle,
                            const std::function<void(const std::string&)>& write) {
  std::optional<cascade::Bundle> loaded;
  if (!bundle.empty()) loaded = cascade::Bundle::load(bundle);
  audit::LogReader reader(folder, wanted.index.empty() ? 0 : parse_count(wanted.index, "--index"));
  audit::PayloadReader payloads(folder);
  std::uint64_t n = 0;
  for (audit::EntryView entry; reader.next(entry);) {
    if (!wanted.takes(entry, payloads)) continue;
    write(line_of(entry, payloads, loaded ? &loaded->schema : nullptr) + "\n");
    ++n;
    if (!wanted.index.empty()) return n;
  }
  reader.require_sound();
  return n;
}

/// By the index; nullopt where it is of no use: nothing to look up, or a folder that cannot be written.
std::optional<std::vector<std::uint64_t>> places_of(const std::string& folder, const Wanted& wanted) {
  if (wanted.id.empty() && wanted.subject.empty()) return std::nullopt;
  try {
    audit::LogIndex index(folder);
    index.update();
    audit::Query query{.limit = std::numeric_limits<std::int64_t>::max()};
    if (!wanted.id.empty()) query.id = wanted.id;
    if (!wanted.subject.empty()) query.subject = audit::subject_reference(wanted.subject);
    return index.find(query);
  } catch (const Error& e) {
    if (e.code() == "index.database") return std::nullopt;
    throw;
  }
}

int show(const Arguments& arguments) {
  std::string folder, bundle;
  Wanted wanted;
  Options options("audit show", "Entries of a decision log as lines of JSON.", "sluice audit show log --index 0");
  options.positional("DIR", folder, "folder of the log");
  options.text("--index", wanted.index, "of the one entry")
      .text("--id", wanted.id, "of the request")
      .text("--subject", wanted.subject, "whose decisions")
      .text("--bundle", bundle, "bundle that names the columns of the inputs");
  if (!options.parse(arguments)) return 0;
  const auto print = [](const std::string& line) { std::cout << line; };
  std::uint64_t n = 0;
  const auto places = wanted.index.empty() ? places_of(folder, wanted) : std::nullopt;
  if (places)
    for (const std::uint64_t place : *places)
      n += write_entries(folder, {.index = std::to_string(place)}, bundle, print);
  else
    n = write_entries(folder, wanted, bundle, print);
  if (n == 0)
    throw Error("audit.none", folder + ": no entry is the one asked for", "an erased subject's records have no id");
  return 0;
}

int export_log(const Arguments& arguments) {
  std::string folder, bundle, out;
  Options options("audit export", "A whole decision log as a file of JSON lines.",
                  "sluice audit export log --out log.jsonl");
  options.positional("DIR", folder, "folder of the log").required("--out", out, "file to write");
  options.text("--bundle", bundle, "bundle that names the columns of the inputs");
  if (!options.parse(arguments)) return 0;
  AtomicFile file(out);
  const auto n = write_entries(folder, {}, bundle, [&](const std::string& line) { file.write(line); });
  file.commit();
  std::cout << n << " entries\n";
  return 0;
}

int erase(const Arguments& arguments) {
  AuditOptions log_options;
  std::string subject;
  Options options("audit erase",
                  "Deletes a subject's key: its records can no longer be read, and the log still verifies.",
                  "sluice audit erase log --subject \"Jane Doe\"");
  options.positional("DIR", log_options.folder, "folder of the log").required("--subject", subject, "as it was logged");
  options.text("--audit-key", log_options.key, "file of the key that signs checkpoints");
  if (!options.parse(arguments)) return 0;
  const auto log = log_options.open();
  const bool erased = log->erase(audit::subject_reference(subject), now_us());
  close_log(*log);
  if (!erased) throw Error("audit.no_subject", log_options.folder + ": there is no key of \"" + subject + "\"");
  std::cout << "erased\n";
  return 0;
}

}  // namespace

int run_audit(const Arguments& arguments) {
  return dispatch("sluice audit",
                  {{"verify", "whether a log is whole, and the first entry that is not", verify},
                   {"prove", "proofs for a third party", prove},
                   {"show", "entries as JSON", show},
                   {"export", "the whole log as JSON lines", export_log},
                   {"erase", "delete a subject's key", erase}},
                  arguments);
}

}  // namespace sluice::cli
