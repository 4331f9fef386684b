#include "sluice/cascade/rollout/bundle_install.h"

#include <chrono>
#include <system_error>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/folder.h"
#include "sluice/bundle/bundle.h"
#include "sluice/cascade/rollout/deployment.h"

namespace sluice::cascade {
namespace {

namespace fs = std::filesystem;

fs::path beside(const fs::path& target, const char* suffix) { return target.string() + suffix; }

void write_history(const fs::path& path, const Bundle& bundle, const std::string& who, const std::string& why) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  std::string text = fs::exists(path) ? read_file(path) : std::string();
  append_json(text, {.kind = ChangeKind::promoted,
                     .bundle = bundle.digest,
                     .policy_version = bundle.policy.version,
                     .time_us = std::chrono::duration_cast<std::chrono::microseconds>(now).count(),
                     .who = who,
                     .why = why});
  write_file(path, text);
}

/// A copy of a bundle that loads, next to its target. Removed at the end, if it is still there.
class Incoming {
 public:
  Incoming(const fs::path& candidate, fs::path folder) : folder_(std::move(folder)) {
    copy_bundle(candidate, folder_);
    try {
      bundle_ = Bundle::load(folder_);
    } catch (...) {
      remove();
      throw;
    }
  }
  ~Incoming() { remove(); }
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  const Bundle& bundle() const { return bundle_; }
  const fs::path& folder() const { return folder_; }

 private:
  void remove() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  fs::path folder_;
  Bundle bundle_;
};

/// Takes the change back: the old folder, or no folder if there was none, is at the target again.
void take_back(const fs::path& target, const fs::path& old, const fs::path& incoming, const Error& cause) {
  try {
    const fs::path undone = put_folder(old.empty() ? target : old, old.empty() ? incoming : target);
    std::error_code ignored;
    if (!undone.empty()) fs::remove_all(undone, ignored);
  } catch (const Error& error) {
    throw Error(cause.code(), target.string() + " is replaced, but the history does not say so: " + cause.message() +
                                  "; and the change cannot be taken back: " + error.message());
  }
}

/// Keeps the replaced bundle, and removes the one before it.
void keep_previous(const fs::path& target, const fs::path& old, const fs::path& previous) {
  std::error_code error;
  fs::path older;
  try {
    older = put_folder(old, previous);
    if (!older.empty()) fs::remove_all(older, error);
  } catch (const Error& cause) {
    throw Error(cause.code(), target.string() + " is replaced, but the bundle before it is at " + old.string() + ": " +
                                  cause.message());
  }
  if (error)
    throw Error("file.write", target.string() + " is replaced, but an old bundle cannot be removed: " + older.string() +
                                  ": " + error.message());
}

}  // namespace

Installed install_bundle(const fs::path& given_candidate, const fs::path& given_target, const std::string& who,
                         const std::string& why) {
  const fs::path candidate = given_candidate.lexically_normal();
  fs::path target = given_target.lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  if (fs::exists(target) && !fs::exists(target / "manifest.json"))
    throw Error("bundle.exists", target.string() + " exists and is not a bundle", "name a bundle or a new folder");
  Installed installed;
  fs::path old;
  {
    const Incoming incoming(candidate, beside(target, ".incoming"));
    installed.digest = incoming.bundle().digest;
    old = put_folder(incoming.folder(), target);
    try {
      write_history(beside(target, ".history.jsonl"), incoming.bundle(), who, why);
    } catch (const Error& error) {
      take_back(target, old, incoming.folder(), error);
      throw;
    }
    if (!old.empty()) {
      installed.previous = beside(target, ".previous");
      keep_previous(target, old, installed.previous);
    }
  }
  return installed;
}

}  // namespace sluice::cascade
