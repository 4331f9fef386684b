#include "sluice/cascade/rollout/bundle_install.h"

#include <fcntl.h>
#include <stdio.h>

#include <chrono>
#include <system_error>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/bundle/bundle.h"
#include "sluice/cascade/rollout/deployment.h"

namespace sluice::cascade {
namespace {

namespace fs = std::filesystem;

fs::path beside(const fs::path& target, const char* suffix) { return target.string() + suffix; }

[[noreturn]] void fail(const fs::path& path, const std::error_code& error) {
  throw Error("file.write", path.string() + ": " + error.message());
}

void remove_folder(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) fail(path, error);
}

void rename_folder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) fail(to, error);
}

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

}  // namespace

Installed install_bundle(const fs::path& given_candidate, const fs::path& given_target, const std::string& who,
                         const std::string& why) {
  const fs::path candidate = given_candidate.lexically_normal();
  fs::path target = given_target.lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  const bool has_old = fs::exists(target);
  if (has_old && !fs::exists(target / "manifest.json"))
    throw Error("bundle.exists", target.string() + " exists and is not a bundle", "name a bundle or a new folder");
  const fs::path incoming = beside(target, ".incoming"), previous = beside(target, ".previous");
  remove_folder(incoming);
  std::error_code error;
  fs::copy(candidate, incoming, fs::copy_options::recursive, error);
  if (error) fail(incoming, error);
  const Bundle bundle = Bundle::load(incoming);
  write_history(beside(target, ".history.jsonl"), bundle, who, why);
  if (!has_old) {
    rename_folder(incoming, target);
    return {bundle.digest, {}};
  }
  if (renameat2(AT_FDCWD, incoming.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) != 0)
    fail(target, std::error_code(errno, std::generic_category()));
  remove_folder(previous);
  rename_folder(incoming, previous);
  return {bundle.digest, previous};
}

}  // namespace sluice::cascade
