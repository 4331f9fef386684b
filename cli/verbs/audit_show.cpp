#include "sluice/cli/verbs/audit_show.h"

#include <functional>
#include <iostream>
#include <limits>
#include <optional>

#include "sluice/audit/index.h"
#include "sluice/audit/log/log_reader.h"
#include "sluice/audit/retention.h"
#include "sluice/audit/stored_decisions.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/json_text.h"
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

/// The last review of each decision, from the index or from a scan of all entries.
class LastReviews {
 public:
  explicit LastReviews(const std::string& folder) : folder_(folder), index_(open_index(folder)) {
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
  audit::LogIndex* index() { return index_.get(); }

 private:
  std::string folder_;
  std::unique_ptr<audit::LogIndex> index_;
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
  std::string id, subject;

  bool takes(const audit::EntryView& entry, audit::PayloadReader& payloads) const {
    if (index && entry.header.index != *index) return false;
    if (id.empty() && subject.empty()) return true;
    if (entry.header.kind != EntryKind::decision) return false;
    const auto payload = payloads.read(entry);
    if (!payload) return false;
    const auto head = audit::decode_head(audit::split(*payload).head);
    return (id.empty() || head.id == id) && (subject.empty() || head.subject == audit::subject_reference(subject));
  }
};

std::uint64_t write_entries(const std::string& folder, const Wanted& wanted, EntryLines& lines,
                            const std::function<void(const std::string&)>& write) {
  if (wanted.index) audit::require_kept(folder, *wanted.index);
  audit::LogReader reader(folder, wanted.index.value_or(0));
  std::uint64_t n = 0;
  for (audit::EntryView entry; reader.next(entry);) {
    if (!wanted.takes(entry, lines.payloads())) continue;
    write(lines.line_of(entry));
    ++n;
    if (wanted.index) return n;
  }
  reader.require_sound();
  return n;
}

/// Looks the entries up in the index; nullopt if there is no index or nothing to look up.
std::optional<std::vector<std::uint64_t>> places_of(audit::LogIndex* index, const Wanted& wanted) {
  if (!index || wanted.index || (wanted.id.empty() && wanted.subject.empty())) return std::nullopt;
  audit::Query query{.limit = std::numeric_limits<std::int64_t>::max()};
  if (!wanted.id.empty()) query.id = wanted.id;
  if (!wanted.subject.empty()) query.subject = audit::subject_reference(wanted.subject);
  return index->find(query);
}

}  // namespace

int run_audit_show(const Arguments& arguments) {
  std::string folder, bundle, index;
  Wanted wanted;
  Options options("audit show",
                  "Prints entries of a decision log as lines of JSON, each decision with its last review.",
                  "sluice audit show log --index 0");
  options.positional("DIR", folder, "folder of the log");
  options.text("--index", index, "number of the entry")
      .text("--id", wanted.id, "id of the request")
      .text("--subject", wanted.subject, "the subject whose decisions are shown")
      .text("--bundle", bundle, "bundle whose schema names the input columns");
  if (!options.parse(arguments)) return 0;
  if (!index.empty()) wanted.index = parse_count(index, "--index");
  const auto print = [](const std::string& line) { std::cout << line; };
  LastReviews reviews(folder);
  EntryLines lines(folder, bundle, &reviews);
  std::uint64_t n = 0;
  if (const auto places = places_of(reviews.index(), wanted))
    for (const std::uint64_t place : *places) n += write_entries(folder, {.index = place}, lines, print);
  else
    n = write_entries(folder, wanted, lines, print);
  if (n == 0) throw Error("audit.none", folder + ": no entry matches", "erased records have no id and no subject");
  return 0;
}

int run_audit_export(const Arguments& arguments) {
  std::string folder, bundle, out;
  Options options("audit export", "Writes a whole decision log as a file of JSON lines.",
                  "sluice audit export log --out log.jsonl");
  options.positional("DIR", folder, "folder of the log").required("--out", out, "output file");
  options.text("--bundle", bundle, "bundle whose schema names the input columns");
  if (!options.parse(arguments)) return 0;
  AtomicFile file(out);
  EntryLines lines(folder, bundle, nullptr);
  const auto n = write_entries(folder, {}, lines, [&](const std::string& line) { file.write(line); });
  file.commit();
  std::cout << n << " entries\n";
  return 0;
}

}  // namespace sluice::cli
