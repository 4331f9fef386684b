/* Preloaded into a program: makes one of its reads of files below FAULT_FOLDER fail. FAULT_AT: which one, from 1 on; 0 for
   none. FAULT_KIND: eio, end (the file ends there), short (half of the bytes) or eintr. The number of reads is written to
   FAULT_COUNT at the end. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long n_reads;

static int is_watched(int descriptor) {
  char link[64], path[4096];
  const char* folder = getenv("FAULT_FOLDER");
  struct stat status;
  if (!folder || fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t n = readlink(link, path, sizeof path - 1);
  return n > 0 && strncmp(path, folder, strlen(folder)) == 0;
}

/* Whether this read is the one that fails. */
static int is_due(int descriptor) {
  const char* at = getenv("FAULT_AT");
  if (!is_watched(descriptor)) return 0;
  return atomic_fetch_add(&n_reads, 1) + 1 == (at ? atol(at) : 0);
}

/* The answer of the read that fails; `size` is changed for a short one, which goes on. */
static int fails(size_t* size, ssize_t* answer) {
  const char* kind = getenv("FAULT_KIND");
  *answer = -1;
  if (strcmp(kind, "short") == 0) {
    *size = (*size + 1) / 2;
    return 0;
  }
  if (strcmp(kind, "end") == 0) *answer = 0;
  errno = strcmp(kind, "eintr") == 0 ? EINTR : EIO;
  return 1;
}

ssize_t read(int descriptor, void* out, size_t size) {
  static ssize_t (*real)(int, void*, size_t);
  ssize_t answer;
  if (!real) real = (ssize_t(*)(int, void*, size_t))dlsym(RTLD_NEXT, "read");
  if (is_due(descriptor) && fails(&size, &answer)) return answer;
  return real(descriptor, out, size);
}

ssize_t pread64(int descriptor, void* out, size_t size, off64_t offset) {
  static ssize_t (*real)(int, void*, size_t, off64_t);
  ssize_t answer;
  if (!real) real = (ssize_t(*)(int, void*, size_t, off64_t))dlsym(RTLD_NEXT, "pread64");
  if (is_due(descriptor) && fails(&size, &answer)) return answer;
  return real(descriptor, out, size, offset);
}

ssize_t pread(int descriptor, void* out, size_t size, off_t offset) { return pread64(descriptor, out, size, offset); }

__attribute__((destructor)) static void tell(void) {
  const char* path = getenv("FAULT_COUNT");
  FILE* file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  fprintf(file, "%ld\n", atomic_load(&n_reads));
  fclose(file);
}
