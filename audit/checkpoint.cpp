#include "sluice/audit/checkpoint.h"

#include <charconv>
#include <cstring>
#include <vector>

#include "sluice/base/error.h"

namespace sluice::audit {
namespace {

constexpr std::string_view kKind = "sluice-checkpoint-v2";

[[noreturn]] void fail(const std::string& what) {
  throw Error("checkpoint.format", "not a checkpoint: " + what, "docs/log_format.md defines the line");
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const auto end = line.find(' ');
    words.push_back(line.substr(0, end));
    if (end == line.npos) return words;
    line.remove_prefix(end + 1);
  }
}

template <class T>
T parse_integer(std::string_view word, const char* what) {
  T value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  // Only the text that `line` writes is accepted: no leading zeros.
  if (error != std::errc() || end != word.data() + word.size() || std::to_string(value) != word) fail(what);
  return value;
}

template <class Bytes>
void parse_hex(std::string_view word, Bytes& out, const char* what) {
  const auto bytes = from_hex(word);
  if (!bytes || bytes->size() != out.size()) fail(what);
  std::memcpy(out.data(), bytes->data(), out.size());
}

template <class Bytes>
std::string hex_of(const Bytes& bytes) {
  return to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

std::string Checkpoint::statement() const {
  return std::string(kKind) + " " + hex_of(log) + " " + std::to_string(size) + " " + root.hex() + " " + chain.hex() +
         " " + std::to_string(time_us) + " " + previous.hex() + (next_key ? " " + hex_of(next_key->bytes) : "");
}

void Checkpoint::sign(const Signer& key) { signature = key.sign(statement()); }
bool Checkpoint::is_signed_by(const PublicKey& key) const { return key.verifies(statement(), signature); }
std::string Checkpoint::line() const { return statement() + " " + hex_of(signature) + "\n"; }

Digest Checkpoint::digest() const { return sha256(line()); }

Checkpoint Checkpoint::parse(std::string_view line) {
  if (!line.ends_with('\n')) fail("the line does not end with a newline");
  line.remove_suffix(1);
  const auto words = words_of(line);
  if ((words.size() != 8 && words.size() != 9) || words[0] != kKind)
    fail("expected the 8 or 9 words of " + std::string(kKind));
  Checkpoint checkpoint;
  parse_hex(words[1], checkpoint.log, "wrong log id");
  checkpoint.size = parse_integer<std::uint64_t>(words[2], "wrong size");
  parse_hex(words[3], checkpoint.root.bytes, "wrong root");
  parse_hex(words[4], checkpoint.chain.bytes, "wrong chain hash");
  checkpoint.time_us = parse_integer<std::int64_t>(words[5], "wrong time");
  parse_hex(words[6], checkpoint.previous.bytes, "wrong hash of the line before");
  if (words.size() == 9) parse_hex(words[7], checkpoint.next_key.emplace().bytes, "wrong public key");
  parse_hex(words.back(), checkpoint.signature, "wrong signature");
  return checkpoint;
}

}  // namespace sluice::audit
