#include "sluice/audit/log/checkpoint_file.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "sluice/audit/log/entry.h"
#include "sluice/base/error.h"

namespace sluice::audit {
namespace {

constexpr std::uint64_t kLinkedBytes = 1 << 20;  // whose links are checked when the file is opened
constexpr std::uint64_t kMaxLine = 1024;

std::string read_range(const PosixFile& file, std::uint64_t from, std::uint64_t to) {
  std::string bytes(static_cast<std::size_t>(to - from), '\0');
  bytes.resize(file.read_at(bytes.data(), bytes.size(), from));
  return bytes;
}

}  // namespace

CheckpointFile::CheckpointFile(std::filesystem::path path, const PublicKey& first_key, const PublicKey& key)
    : path_(std::move(path)), file_(PosixFile::open_to_write(path_)) {
  const auto fail = [&](const std::string& what) {
    throw Error("log.damaged", path_.string() + ": " + what, kVerifyHint);
  };
  try {
    read(first_key);
  } catch (const Error& error) {
    if (error.code() != "checkpoint.format") throw;
    fail(error.message());
  }
  if (!last_) {
    if (first_key != key) fail("it has no lines, although signing.pub has another key than the one that is to sign");
    return;
  }
  if (last_->next_key ? *last_->next_key != key : !last_->is_signed_by(key))
    throw Error("key.mismatch", path_.string() + ": the last checkpoint was not signed by this key",
                "use the key that signs this log; sluice audit rotate-key replaces it by another");
}

void CheckpointFile::read(const PublicKey& first_key) {
  const auto fail = [&](const std::string& what) {
    throw Error("log.damaged", path_.string() + ": " + what, kVerifyHint);
  };
  const std::uint64_t size = file_.size(), from = size > kLinkedBytes ? size - kLinkedBytes : 0;
  std::string text = read_range(file_, from, size);
  const std::size_t whole = text.rfind('\n') == text.npos ? 0 : text.rfind('\n') + 1;
  end_ = from + whole;
  if (end_ < size) check_write(file_.truncate(end_), path_);
  text.resize(whole);
  if (end_ == 0) return;
  const std::string start = read_range(file_, 0, std::min(end_, kMaxLine));
  const auto first = Checkpoint::parse(std::string_view(start).substr(0, start.find('\n') + 1));
  if (!first.is_first() || !first.is_signed_by(first_key))
    fail("the first checkpoint is not the signed one of the empty log");
  for (std::size_t at = from == 0 ? 0 : text.find('\n') + 1, end; at < text.size(); at = end) {
    end = text.find('\n', at) + 1;
    const auto next = Checkpoint::parse(std::string_view(text).substr(at, end - at));
    if (last_ && (next.previous != last_->digest() || !next.grows_from(*last_)))
      fail("the checkpoint of " + std::to_string(next.size) + " entries does not follow the line before it");
    last_ = next;
  }
}

void CheckpointFile::append(Checkpoint checkpoint, const Signer& key) {
  if (last_) checkpoint.previous = last_->digest();
  checkpoint.sign(key);
  const std::string line = checkpoint.line();
  const std::uint64_t slack = torn_ ? line.size() : 0;
  file_.require_unchanged(path_, end_, end_ + slack);
  torn_ = true;
  check_write(file_.write_at(line, end_), path_, "log.write");
  check_write(file_.sync(), path_, "log.write");
  torn_ = false;
  end_ += line.size();
  last_ = checkpoint;
}

}  // namespace sluice::audit
