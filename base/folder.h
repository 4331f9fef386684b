#pragma once
/// Replaces a folder as a whole.
///
/// Thread-safety: the function can be called from any thread; one call per folder at a time, over all processes.

#include <filesystem>

namespace sluice {

/// Puts the folder `from` in the place of `to`, which others may read meanwhile. Both must be in one file system.
/// Returns where the old folder is now, for the caller to keep or remove; empty if there was none.
///
/// A file system that can exchange two names (renameat2 with RENAME_EXCHANGE: ext4, XFS, Btrfs, tmpfs) has a whole
/// folder at `to` at every moment. On others, `to` is renamed to FROM.old first and `from` to `to` next: for a moment
/// there is no folder at `to`. If the second fails, the first is undone.
/// Throws Error{file.write}; `to` is then unchanged, or the message says where the old folder is.
std::filesystem::path put_folder(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace sluice
