#include "support/system_faults.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <string>

namespace {

std::string watched;  // empty: nothing is counted
std::atomic<std::int64_t> n_changes{0}, failing{0};
std::atomic<bool> is_removal{false}, no_exchange{false}, no_thread{false};

std::string path_of(int descriptor) {
  char path[4096];
  const ssize_t n = readlink(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), path, sizeof path);
  return n > 0 ? std::string(path, static_cast<std::size_t>(n)) : std::string();
}

/// Whether this change is the one that fails.
[[maybe_unused]] bool fails(const std::string& path, bool removes = false) {
  if (watched.empty() || !path.starts_with(watched)) return false;
  if (n_changes.fetch_add(1) + 1 != failing) return false;
  is_removal = removes;
  errno = EIO;
  return true;
}

/// The path of a call that names a folder's descriptor.
[[maybe_unused]] std::string path_at(int folder, const char* path) {
  return folder == AT_FDCWD || path[0] == '/' ? std::string(path) : path_of(folder) + "/" + path;
}

}  // namespace

namespace sluice::test {

void fail_change(const std::filesystem::path& folder, std::int64_t at) {
  n_changes = 0;
  failing = at;
  is_removal = false;
  watched = folder.string();
}
void refuse_exchange(bool is_refused) { no_exchange = is_refused; }
void fail_next_thread() { no_thread = true; }
Changes end_faults() {
  watched.clear();
  no_thread = false;
  return {n_changes, is_removal};
}

}  // namespace sluice::test

#ifdef SLUICE_SANITIZED
bool sluice::test::has_system_faults() { return false; }
#else
bool sluice::test::has_system_faults() { return true; }

// In place of the C library's, for this program and the shared libraries that it loads.
extern "C" {

int rename(const char* from, const char* to) noexcept {
  return fails(from) ? -1 : static_cast<int>(syscall(SYS_rename, from, to));
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  if (no_exchange && flags != 0) {
    errno = EINVAL;
    return -1;
  }
  return fails(path_at(from_folder, from))
             ? -1
             : static_cast<int>(syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

int mkdir(const char* path, mode_t mode) noexcept {
  return fails(path) ? -1 : static_cast<int>(syscall(SYS_mkdir, path, mode));
}

int unlink(const char* path) noexcept { return fails(path, true) ? -1 : static_cast<int>(syscall(SYS_unlink, path)); }
int rmdir(const char* path) noexcept { return fails(path, true) ? -1 : static_cast<int>(syscall(SYS_rmdir, path)); }
int remove(const char* path) noexcept {
  struct stat status{};
  return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) ? rmdir(path) : unlink(path);
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  return fails(path_at(folder, path), true) ? -1 : static_cast<int>(syscall(SYS_unlinkat, folder, path, flags));
}

int fsync(int descriptor) {
  return !watched.empty() && fails(path_of(descriptor)) ? -1 : static_cast<int>(syscall(SYS_fsync, descriptor));
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  if ((flags & O_CREAT) && fails(path)) return -1;
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) noexcept {
  static const auto real = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  return no_thread.exchange(false) ? EAGAIN : real(thread, attributes, run, argument);
}

}  // extern "C"
#endif
