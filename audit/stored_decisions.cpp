#include "sluice/audit/stored_decisions.h"

#include "sluice/audit/log/log_reader.h"

namespace sluice::audit {
namespace {

EntryLink link_to(const EntryView& entry) {
  return {.index = entry.header.index, .entry = sha256(entry.hashed), .subject = entry.header.subject};
}

/// Calls `use` with the entry and its payload, if the entry exists, is of that kind and is not erased.
template <class Use>
void read_entry(const std::filesystem::path& folder, std::uint64_t index, EntryKind kind, const Use& use) {
  require_kept(folder, index);
  LogReader reader(folder, index);
  PayloadReader payloads(folder);
  for (EntryView entry; reader.next(entry);) {
    if (entry.header.index < index) continue;
    const auto payload = entry.header.index == index && entry.header.kind == kind ? payloads.read(entry) : std::nullopt;
    if (payload) use(entry, *payload);
    return;
  }
  reader.require_sound();
}

}  // namespace

std::uint64_t for_each_decision(const std::filesystem::path& folder,
                                const std::function<void(StoredDecision&&)>& visit) {
  LogReader reader(folder);
  PayloadReader payloads(folder);
  std::uint64_t n_erased = 0;
  for (EntryView entry; reader.next(entry);) {
    if (entry.header.kind != EntryKind::decision) continue;
    if (const auto payload = payloads.read(entry))
      visit({link_to(entry), decode(*payload)});
    else
      ++n_erased;
  }
  reader.require_sound();
  return n_erased;
}

std::vector<EntryLink> find_decisions(const std::filesystem::path& folder, std::string_view id) {
  std::vector<EntryLink> found;
  LogReader reader(folder);
  PayloadReader payloads(folder);
  for (EntryView entry; reader.next(entry);) {
    if (entry.header.kind != EntryKind::decision) continue;
    const auto payload = payloads.read(entry);
    if (payload && decode_head(split(*payload).head).id == id) found.push_back(link_to(entry));
  }
  reader.require_sound();
  return found;
}

std::optional<StoredDecision> read_decision(const std::filesystem::path& folder, std::uint64_t index) {
  std::optional<StoredDecision> found;
  read_entry(folder, index, EntryKind::decision,
             [&](const EntryView& entry, std::string_view payload) { found = {link_to(entry), decode(payload)}; });
  return found;
}

std::optional<Review> read_review(const std::filesystem::path& folder, std::uint64_t index) {
  std::optional<Review> found;
  read_entry(folder, index, EntryKind::review, [&](const EntryView& entry, std::string_view payload) {
    found = decode_review(payload);
    found->decision.subject = entry.header.subject;
  });
  return found;
}

}  // namespace sluice::audit
