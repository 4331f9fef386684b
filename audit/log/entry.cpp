#include "sluice/audit/log/entry.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <bit>
#include <cstdio>

#include "sluice/audit/log/bytes.h"
#include "sluice/base/error.h"

namespace sluice::audit {
namespace {

constexpr std::string_view kMagic = "SLUICLOG";
constexpr std::uint32_t kVersion = 2;

std::string_view bytes_of_id(const LogId& id) { return {reinterpret_cast<const char*>(id.data()), id.size()}; }

[[noreturn]] void fail(const std::string& what) { throw Error("log.segment", what, kVerifyHint); }

Digest take_digest(ByteReader& in) {
  Digest digest;
  std::memcpy(digest.bytes.data(), in.take(kHashBytes).data(), kHashBytes);
  return digest;
}

}  // namespace

const char* to_string(EntryKind kind) {
  switch (kind) {
    case EntryKind::decision:
      return "decision";
    case EntryKind::erasure:
      return "erasure";
    case EntryKind::recovery:
      return "recovery";
    case EntryKind::review:
      return "review";
    case EntryKind::retention:
      return "retention";
    case EntryKind::adoption:
      return "adoption";
    case EntryKind::mark:
      return "mark";
  }
  return "unknown";
}

std::string SegmentHeader::bytes() const {
  std::string out(kMagic);
  ByteWriter(out).put(kVersion).put(number).bytes(log.data(), log.size()).put(first_index);
  out += bytes_of(chain);
  for (const Digest& peak : peaks) out += bytes_of(peak);
  out += bytes_of(sha256(out));
  return out;
}

std::size_t segment_header_bytes(std::uint64_t first_index) {
  return kFixedHeaderBytes + kHashBytes * (static_cast<std::size_t>(std::popcount(first_index)) + 1);
}

SegmentHeader parse_segment_header(std::string_view bytes) {
  if (bytes.size() < kFixedHeaderBytes) fail("the segment ends inside its header");
  ByteReader in(bytes);
  if (in.take(kMagic.size()) != kMagic) fail("the file is not a segment of a log");
  if (const auto version = in.get<std::uint32_t>(); version != kVersion)
    fail("log format " + std::to_string(version) + "; this program reads format 2");
  SegmentHeader header;
  header.number = in.get<std::uint32_t>();
  std::memcpy(header.log.data(), in.take(header.log.size()).data(), header.log.size());
  header.first_index = in.get<std::uint64_t>();
  header.chain = take_digest(in);
  if (in.remaining() < segment_header_bytes(header.first_index) - kFixedHeaderBytes)
    fail("the segment ends inside its header");
  for (int peak = std::popcount(header.first_index); peak > 0; --peak) header.peaks.push_back(take_digest(in));
  const std::string_view before = bytes.substr(0, bytes.size() - in.remaining());
  if (take_digest(in) != sha256(before)) fail("the segment's header was changed");
  return header;
}

std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint32_t number) {
  char name[16];
  std::snprintf(name, sizeof name, "%08u.log", number);
  return folder / name;
}

std::vector<std::uint32_t> segment_numbers(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder)) throw Error("log.none", folder.string() + ": the folder does not exist");
  std::vector<std::uint32_t> numbers;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    const std::string name = file.path().filename().string();
    if (name.size() == 12 && name.ends_with(".log") &&
        std::all_of(name.begin(), name.begin() + 8, [](char c) { return c >= '0' && c <= '9'; }))
      numbers.push_back(static_cast<std::uint32_t>(std::stoul(name)));
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

LogState::LogState(const LogId& log) : log_(log), chain_(sha256(bytes_of_id(log))), unmarked_(chain_) {}

LogState::LogState(const SegmentHeader& header)
    : log_(header.log), chain_(header.chain), unmarked_(header.chain), tree_(header.first_index, header.peaks) {}

void LogState::take(const Digest& entry, const Digest& chain) {
  chain_ = unmarked_ = chain;
  tree_.add(leaf_hash(bytes_of(entry)));
}

void LogState::seal(EntryHeader header, std::string_view payload, std::string& out) {
  const std::size_t start = out.size();
  header.length = static_cast<std::uint32_t>(sizeof header + payload.size() + kHashBytes);
  header.index = size();
  out.append(reinterpret_cast<const char*>(&header), sizeof header).append(payload);
  const Digest entry = sha256_(std::string_view(out).substr(start));
  take(entry, sha256_(bytes_of(chain_), bytes_of(entry)));
  out += bytes_of(chain_);
}

std::string LogState::accept(const EntryView& entry) {
  const Digest digest = sha256_(entry.hashed), chain = sha256_(bytes_of(chain_), bytes_of(digest));
  if (chain != entry.chain) return "the entry, or the one before it, was changed, moved or deleted";
  if (entry.header.index != size())
    return "the entry has the index " + std::to_string(entry.header.index) + "; expected " + std::to_string(size());
  take(digest, chain);
  return entry.mark.empty() ? "" : accept_mark(entry.mark);
}

MarkKey mark_key_of(const Signer& key) {
  const Signature signature = key.sign("sluice-log-mark-v1");
  return {sha256({reinterpret_cast<const char*>(signature.data()), signature.size()}).bytes};
}

Digest LogState::mark_of(const MarkKey& key) const {
  std::string statement(bytes_of_id(log_));
  ByteWriter(statement).put(size());
  statement += bytes_of(unmarked_);
  Digest mac;
  unsigned n = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(statement.data());
  if (!HMAC(EVP_sha256(), key.bytes.data(), static_cast<int>(key.bytes.size()), data, statement.size(),
            mac.bytes.data(), &n))
    throw Error("key.unavailable", "OpenSSL: cannot compute an HMAC");
  return mac;
}

void LogState::mark(const MarkKey& key, std::string& out) {
  if (chain_ != unmarked_) return;
  const Digest mac = mark_of(key);
  const EntryHeader header{.length = kMarkBytes, .kind = EntryKind::mark, .index = size()};
  const std::size_t start = out.size();
  out.append(reinterpret_cast<const char*>(&header), sizeof header).append(bytes_of(mac));
  chain_ = sha256_(bytes_of(chain_), bytes_of(sha256_(std::string_view(out).substr(start))));
  out += bytes_of(chain_);
}

std::string LogState::accept_mark(std::string_view bytes) {
  const EntryHeader expected{.length = kMarkBytes, .kind = EntryKind::mark, .index = size()};
  const Digest chain = sha256_(bytes_of(chain_), bytes_of(sha256_(bytes.substr(0, kMarkBytes - kHashBytes))));
  if (std::memcmp(bytes.data(), &expected, sizeof expected) != 0 ||
      bytes.substr(kMarkBytes - kHashBytes) != bytes_of(chain))
    return "the mark after the entry was changed or moved";
  chain_ = chain;
  return "";
}

bool LogState::is_marked_by(const MarkKey& key, const EntryView& last) const {
  const Digest mac = mark_of(key);
  return !last.mark.empty() && CRYPTO_memcmp(mac.bytes.data(), last.mark.data() + sizeof(EntryHeader), kHashBytes) == 0;
}

}  // namespace sluice::audit
