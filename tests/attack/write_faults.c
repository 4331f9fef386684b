/* Preloaded into a program: makes one of its changes to files below FAULT_FOLDER fail. FAULT_AT: which one, from 1 on; 0
   for none. FAULT_KIND: enospc, eio, short (half of the bytes are written) or eintr. The number of changes is written to
   FAULT_COUNT at the end. A change is a write, a sync, a rename, or the creation of a file. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long n_changes;

static int is_below(const char* path) {
  const char* folder = getenv("FAULT_FOLDER");
  return folder && strncmp(path, folder, strlen(folder)) == 0;
}

static int is_watched(int descriptor) {
  char link[64], path[4096];
  struct stat status;
  if (fstat(descriptor, &status) != 0 || !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= 0) return 0;
  path[n] = 0;
  return is_below(path);
}

static int is_kind(const char* kind) {
  const char* wanted = getenv("FAULT_KIND");
  return wanted && strcmp(wanted, kind) == 0;
}

static int is_due(int watched) {
  const char* at = getenv("FAULT_AT");
  return watched && atomic_fetch_add(&n_changes, 1) + 1 == (at ? atol(at) : 0);
}

static int fail(void) {
  errno = is_kind("enospc") ? ENOSPC : is_kind("eintr") ? EINTR : EIO;
  return -1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int descriptor, const void* bytes, size_t size) {
  if (is_due(is_watched(descriptor))) {
    if (!is_kind("short")) return fail();
    size = (size + 1) / 2;
  }
  return REAL(write)(descriptor, bytes, size);
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t offset) {
  if (is_due(is_watched(descriptor))) {
    if (!is_kind("short")) return fail();
    size = (size + 1) / 2;
  }
  return REAL(pwrite64)(descriptor, bytes, size, offset);
}

ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  return pwrite64(descriptor, bytes, size, offset);
}

/* A sync, a rename and a creation are not interrupted or cut short. */
static int fails_whole(int watched) { return is_due(watched) && !is_kind("short") && !is_kind("eintr"); }

int fsync(int descriptor) { return fails_whole(is_watched(descriptor)) ? fail() : REAL(fsync)(descriptor); }
int fdatasync(int descriptor) { return fails_whole(is_watched(descriptor)) ? fail() : REAL(fdatasync)(descriptor); }
int rename(const char* from, const char* to) { return fails_whole(is_below(from)) ? fail() : REAL(rename)(from, to); }

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (fails_whole(flags & O_CREAT && is_below(path))) return fail();
  return REAL(open64)(path, flags, mode);
}

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open64(path, flags, mode);
}

__attribute__((destructor)) static void tell(void) {
  const char* path = getenv("FAULT_COUNT");
  FILE* file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  fprintf(file, "%ld\n", atomic_load(&n_changes));
  fclose(file);
}
