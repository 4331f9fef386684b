#include "sluice/cli/verbs/audit_show.h"

#include <filesystem>
#include <functional>
#include <iostream>
#include <limits>
#include <optional>

#include "sluice/audit/index.h"
#include "sluice/audit/log/log_reader.h"
#include "sluice/audit/references.h"
#include "sluice/audit/retention.h"
#include "sluice/audit/stored_decisions.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/json_text.h"
#include "sluice/cli/terminal.h"
#include "sluice/cli/verbs/audit_options.h"

namespace sluice::cli {
namespace {

using audit::EntryKind;

/// Opens the index of a log and updates it. Null if the index cannot be used, as in a read-only folder.
std::unique_ptr<audit::LogIndex> open_index(const std::string& folder) {
  try {
    auto index = std::make_unique<audit::LogIndex>(folder);
    index->update();
    return index;
  } catch (const Error& e) {
    if (e.code() == "index.database") return nullptr;
    throw;
  }
}

/// The last review of each decision: from the index, or from a scan of all entries if there is none.
class LastReviews {
 public:
  LastReviews(const std::string& folder, audit::LogIndex* index) : folder_(folder), index_(index) {
    if (!index_) all_ = audit::read_reviews(folder);
  }

  std::optional<audit::Review> of(std::uint64_t decision) {
    if (index_) {
      const auto entry = index_->last_review(decision);
      return entry ? audit::read_review(folder_, *entry) : std::nullopt;
    }
    const auto found = all_.find(decision);
    return found == all_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::string folder_;
  audit::LogIndex* index_;
  std::map<std::uint64_t, audit::Review> all_;
};

/// Formats entries of one log as lines of JSON.
class EntryLines {
 public:
  EntryLines(const std::string& folder, const std::string& bundle, LastReviews* reviews)
      : payloads_(folder), reviews_(reviews) {
    if (!bundle.empty()) bundle_ = cascade::Bundle::load(bundle);
  }

  audit::PayloadReader& payloads() { return payloads_; }

  std::string line_of(const audit::EntryView& entry) {
    const auto& header = entry.header;
    std::string text;
    JsonText json(text);
    json.open('{').field("index", header.index).field("time_us", header.time_us);
    json.field("kind", to_string(header.kind));
    if (header.kind == EntryKind::erasure)
      json.field("key", std::to_string(header.subject));
    else if (header.kind == EntryKind::recovery)
      json.field("message", entry.payload);
    else if (header.kind == EntryKind::retention)
      put_retention(json, entry.payload);
    else if (header.kind == EntryKind::adoption)
      put_adoption(json, entry.payload);
    else if (const auto payload = payloads_.read(entry))
      put_payload(json, entry, *payload);
    else
      json.field("erased", true);
    json.close('}');
    return text + "\n";
  }

 private:
  static void put_retention(JsonText& json, std::string_view payload) {
    std::string content;
    append_json(content, audit::decode_retention(payload));
    json.key("retention").raw(content);
  }

  static void put_adoption(JsonText& json, std::string_view payload) {
    std::string content;
    append_json(content, audit::decode_adoption(payload));
    json.key("adoption").raw(content);
  }

  void put_payload(JsonText& json, const audit::EntryView& entry, std::string_view payload) {
    std::string content;
    if (entry.header.kind == EntryKind::review) {
      append_json(content, audit::decode_review(payload));
      json.key("review").raw(content);
      return;
    }
    append_json(content, audit::decode(payload), bundle_ ? &bundle_->schema : nullptr);
    json.key("record").raw(content);
    const auto review = reviews_ ? reviews_->of(entry.header.index) : std::nullopt;
    if (!review) return;
    check_link(*review, {.index = entry.header.index, .entry = sha256(entry.hashed)});
    content.clear();
    append_json(content, *review);
    json.key("review").raw(content);
  }

  audit::PayloadReader payloads_;
  std::optional<cascade::Bundle> bundle_;
  LastReviews* reviews_;
};

struct Wanted {
  std::optional<std::uint64_t> index;
  std::optional<std::string> id;
  std::optional<std::uint64_t> subject;

  bool is_search() const { return !index && (id || subject); }

  bool takes(const audit::EntryView& entry, audit::PayloadReader& payloads) const {
    if (index && entry.header.index != *index) return false;
    if (!id && !subject) return true;
    if (entry.header.kind != EntryKind::decision) return false;
    const auto payload = payloads.read(entry);
    if (!payload) return false;
    const auto head = audit::decode_head(audit::split(*payload).head);
    return (!id || head.id == *id) && (!subject || head.subject == *subject);
  }
};

/// Calls `write` with the wanted entries, and returns their indices.
std::vector<std::uint64_t> write_entries(const std::string& folder, const Wanted& wanted, EntryLines& lines,
                                         const std::function<void(const std::string&)>& write) {
  if (wanted.index) audit::require_kept(folder, *wanted.index);
  audit::LogReader reader(folder, wanted.index.value_or(0));
  std::vector<std::uint64_t> found;
  for (audit::EntryView entry; reader.next(entry);) {
    if (!wanted.takes(entry, lines.payloads())) continue;
    write(lines.line_of(entry));
    found.push_back(entry.header.index);
    if (wanted.index) return found;
  }
  reader.require_sound();
  return found;
}

std::vector<std::uint64_t> places_in(audit::LogIndex& index, const Wanted& wanted) {
  return index.find({.id = wanted.id, .subject = wanted.subject, .limit = std::numeric_limits<std::int64_t>::max()});
}

/// Writes the entries at the index's places. False if one of them does not match: the index is wrong.
bool write_places(const std::string& folder, const std::vector<std::uint64_t>& places, const Wanted& wanted,
                  EntryLines& lines, const std::function<void(const std::string&)>& write) {
  std::string text;
  for (const std::uint64_t place : places) {
    Wanted one = wanted;
    one.index = place;
    if (write_entries(folder, one, lines, [&](const std::string& line) { text += line; }).empty()) return false;
  }
  write(text);
  return true;
}

/// By the index alone, but each entry is compared with the request.
std::size_t show_fast(const std::string& folder, const Wanted& wanted, audit::LogIndex& index, EntryLines& lines,
                      const std::function<void(const std::string&)>& write) {
  auto places = places_in(index, wanted);
  if (write_places(folder, places, wanted, lines, write)) return places.size();
  warn(folder + "/index.db was not that of the log, and was rebuilt");
  index.rebuild();
  places = places_in(index, wanted);
  if (!write_places(folder, places, wanted, lines, write))
    throw Error("index.database", folder + "/index.db: somebody else changes it", "repeat the command without --fast");
  return places.size();
}

/// Reads the whole log, and rebuilds the index if it says otherwise.
std::size_t show(const std::string& folder, const Wanted& wanted, EntryLines& lines,
                 const std::function<void(const std::string&)>& write) {
  const auto found = write_entries(folder, wanted, lines, write);
  if (!wanted.is_search() || !std::filesystem::exists(std::filesystem::path(folder) / "index.db")) return found.size();
  const auto index = open_index(folder);
  if (index && places_in(*index, wanted) != found) {
    warn(folder + "/index.db was not that of the log, and was rebuilt");
    index->rebuild();
  }
  return found.size();
}

}  // namespace

int run_audit_show(const Arguments& arguments) {
  std::string folder, bundle, index, id, subject;
  bool fast = false;
  Options options("audit show",
                  "Prints entries of a decision log as lines of JSON, each decision with its last review.",
                  "sluice audit show log --index 0");
  options.positional("DIR", folder, "folder of the log");
  options.text("--index", index, "number of the entry")
      .text("--id", id, "id of the request")
      .text("--subject", subject, "the subject whose decisions are shown")
      .text("--bundle", bundle, "bundle whose schema names the input columns")
      .flag("--fast", fast, "trust index.db to name all entries and reviews, instead of reading the whole log");
  if (!options.parse(arguments)) return 0;
  Wanted wanted;
  if (!index.empty()) wanted.index = parse_count(index, "--index");
  if (!id.empty()) wanted.id = id;
  if (!subject.empty()) wanted.subject = audit::References::load(folder).subject(subject);
  const auto print = [](const std::string& line) { std::cout << line; };
  const auto by_index = fast ? open_index(folder) : nullptr;
  LastReviews reviews(folder, by_index.get());
  EntryLines lines(folder, bundle, &reviews);
  const std::size_t n = by_index && wanted.is_search() ? show_fast(folder, wanted, *by_index, lines, print)
                                                       : show(folder, wanted, lines, print);
  if (n == 0) throw Error("audit.none", folder + ": no entry matches", "erased records have no id and no subject");
  return 0;
}

int run_audit_export(const Arguments& arguments) {
  std::string folder, bundle, out;
  Options options("audit export", "Writes a whole decision log as a file of JSON lines.",
                  "sluice audit export log --out log.jsonl");
  options.positional("DIR", folder, "folder of the log").required_output("--out", out, "output file");
  options.text("--bundle", bundle, "bundle whose schema names the input columns");
  if (!options.parse(arguments)) return 0;
  AtomicFile file(out);
  EntryLines lines(folder, bundle, nullptr);
  const auto found = write_entries(folder, {}, lines, [&](const std::string& line) { file.write(line); });
  file.commit();
  std::cout << found.size() << " entries\n";
  return 0;
}

}  // namespace sluice::cli
