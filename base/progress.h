#pragma once
/// How long-running work reports its progress, and how a caller stops it.
/// Thread-safety: thread-safe; the callback runs on the thread that does the work.

#include <cstdint>
#include <functional>
#include <string_view>

namespace sluice {

/// Called at intervals from the working thread with the current task, the amount done and the total (0 if unknown).
/// Return false to stop: the work then throws Error{interrupted} and leaves no output.
using Progress = std::function<bool(std::string_view what, std::uint64_t done, std::uint64_t total)>;

/// Calls the callback, and throws Error{interrupted} if it returns false. An empty callback is ignored.
void report(const Progress& progress, std::string_view what, std::uint64_t done, std::uint64_t total);

}  // namespace sluice
