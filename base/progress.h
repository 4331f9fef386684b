#pragma once
/// How long work tells how far it is, and how it is told to stop.

#include <cstdint>
#include <functional>
#include <string_view>

namespace sluice {

/// Called now and then from the working thread with what is being done, what is done and the total (0 where unknown).
/// Returns false to stop: the work then throws Error{interrupted} and leaves nothing behind.
using Progress = std::function<bool(std::string_view what, std::uint64_t done, std::uint64_t total)>;

/// Reports, and throws Error{interrupted} where the callback says stop. An empty callback is no callback.
void report(const Progress& progress, std::string_view what, std::uint64_t done, std::uint64_t total);

}  // namespace sluice
