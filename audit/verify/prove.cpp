#include <algorithm>
#include <span>

#include "sluice/audit/log/log_reader.h"
#include "sluice/audit/verify.h"
#include "sluice/base/error.h"
#include "sluice/base/json_text.h"

namespace sluice::audit {
namespace {

struct Leaves {
  SegmentHeader first;  // with the peaks over the entries that retention deleted
  std::vector<Digest> hashes;
  std::string wanted;  // bytes of the requested entry

  std::uint64_t size() const { return first.first_index + hashes.size(); }
  /// Of the first `n` entries.
  KnownLeaves known(std::uint64_t n) const {
    return {first.first_index, first.peaks, std::span(hashes).first(static_cast<std::size_t>(n - first.first_index))};
  }
  KnownLeaves known() const { return known(size()); }
};

/// Reads the leaves of the first `size` entries.
Leaves read_leaves(const std::filesystem::path& folder, std::uint64_t size, std::optional<std::uint64_t> wanted) {
  LogReader reader(folder);
  Leaves leaves;
  EntryView entry;
  while (leaves.size() < size && reader.next(entry)) {
    if (leaves.hashes.empty()) leaves.first = *reader.first();
    leaves.hashes.push_back(leaf_hash(bytes_of(sha256(entry.hashed))));
    if (entry.header.index == wanted) leaves.wanted = entry.hashed;
  }
  reader.require_sound();
  return leaves;
}

std::vector<Checkpoint> sound_checkpoints(const std::filesystem::path& folder, const PublicKey& key) {
  std::vector<Fault> faults;
  auto checkpoints = read_checkpoints(folder, key, faults);
  if (!faults.empty()) throw Error("log.damaged", to_string(faults.front()), "run sluice audit verify");
  return checkpoints;
}

void check_root(const Leaves& leaves, const Checkpoint& checkpoint) {
  if (leaves.size() < checkpoint.size || merkle_root(leaves.known(checkpoint.size)) != checkpoint.root)
    throw Error("log.damaged",
                "the log does not match its checkpoint of " + std::to_string(checkpoint.size) + " entries",
                "run sluice audit verify");
}

/// The lines with which one key hands over to the next, for a reader who has the first key alone.
void put_handovers(JsonText& json, const std::vector<Checkpoint>& checkpoints) {
  json.key("handovers").open('[');
  for (const Checkpoint& checkpoint : checkpoints)
    if (checkpoint.next_key) json.value(std::string_view(checkpoint.line()));
  json.close(']');
}

void put_proof(JsonText& json, const std::vector<Digest>& proof) {
  json.key("proof").open('[');
  for (const Digest& digest : proof) json.value(std::string_view(digest.hex()));
  json.close(']').close('}');
}

}  // namespace

Checkpoint last_checkpoint(const std::filesystem::path& folder, const PublicKey& key) {
  return sound_checkpoints(folder, key).back();
}

std::string prove_entry(const std::filesystem::path& folder, std::uint64_t index) {
  const auto checkpoints = sound_checkpoints(folder, PublicKey::load(folder / "signing.pub"));
  const Checkpoint& checkpoint = checkpoints.back();
  if (index >= checkpoint.size)
    throw Error("log.unsigned", "the last checkpoint covers " + std::to_string(checkpoint.size) + " entries; entry " +
                                    std::to_string(index) + " is not among them");
  require_kept(folder, index);
  const Leaves leaves = read_leaves(folder, checkpoint.size, index);
  check_root(leaves, checkpoint);
  std::string out;
  JsonText json(out);
  json.open('{').field("kind", "inclusion").field("checkpoint", std::string_view(checkpoint.line()));
  json.field("index", index).field("entry", std::string_view(to_hex(leaves.wanted)));
  put_handovers(json, checkpoints);
  put_proof(json, inclusion_proof(leaves.known(), index));
  return out;
}

std::string prove_consistency(const std::filesystem::path& folder, std::uint64_t size) {
  const auto checkpoints = sound_checkpoints(folder, PublicKey::load(folder / "signing.pub"));
  const auto old =
      std::find_if(checkpoints.begin(), checkpoints.end(), [&](const Checkpoint& c) { return c.size == size; });
  if (old == checkpoints.end())
    throw Error("log.unsigned", "there is no checkpoint of " + std::to_string(size) + " entries");
  const Checkpoint& last = checkpoints.back();
  require_kept(folder, size);
  const Leaves leaves = read_leaves(folder, last.size, {});
  check_root(leaves, *old);
  check_root(leaves, last);
  std::string out;
  JsonText json(out);
  json.open('{').field("kind", "consistency").field("old_checkpoint", std::string_view(old->line()));
  json.field("checkpoint", std::string_view(last.line()));
  put_handovers(json, checkpoints);
  put_proof(json, consistency_proof(leaves.known(), size));
  return out;
}

}  // namespace sluice::audit
