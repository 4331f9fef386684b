#pragma once
/// Makes one call of the system fail in this process: a change of a folder, or the start of a thread. Not in a build
/// with sanitizers, which have calls of their own in the same place.
///
/// Thread-safety: one fault at a time; the calls that it counts may come from any thread.

#include <cstdint>
#include <filesystem>

namespace sluice::test {

bool has_system_faults();

/// From here on, call number `at` (from 1) that changes something below `folder` fails with EIO: mkdir, a file that is
/// created, fsync, rename, unlink, rmdir. 0: none fails.
void fail_change(const std::filesystem::path& folder, std::int64_t at);
/// Renames that exchange two names fail with EINVAL, as on a file system that cannot do it.
void refuse_exchange(bool is_refused);
/// The next thread cannot be started.
void fail_next_thread();

struct Changes {
  std::int64_t n = 0;       // counted since fail_change
  bool is_removal = false;  // the one that failed was an unlink or an rmdir
};
/// Ends the faults.
Changes end_faults();

}  // namespace sluice::test
