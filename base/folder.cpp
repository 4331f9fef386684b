#include "sluice/base/folder.h"

#include <fcntl.h>
#include <stdio.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "sluice/base/error.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::error_code& error, const std::string& more = "") {
  throw Error("file.write", path.string() + ": " + error.message() + more);
}

/// For file systems that cannot exchange two names.
fs::path put_in_two_steps(const fs::path& from, const fs::path& to) {
  const fs::path old = from.string() + ".old";
  std::error_code error, undone;
  fs::remove_all(old, error);  // of a call that was interrupted; `to` is there, so it is not the only copy
  if (error) fail(old, error);
  fs::rename(to, old, error);
  if (error) fail(to, error);
  fs::rename(from, to, error);
  if (!error) return old;
  fs::rename(old, to, undone);
  fail(to, error, undone ? "; the old folder is at " + old.string() + " and cannot be put back" : "");
}

}  // namespace

fs::path put_folder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(to, error))) {
    fs::rename(from, to, error);
    if (error) fail(to, error);
    return {};
  }
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) return from;
  if (errno == EINVAL || errno == ENOSYS || errno == ENOTSUP) return put_in_two_steps(from, to);
  fail(to, std::error_code(errno, std::generic_category()));
}

}  // namespace sluice
