#pragma once
/// Reads the closed segments of a log that is open, again and again and slowly: a log that is written for years would
/// otherwise notice a changed byte only when somebody verifies it. Not installed.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

namespace sluice::audit {

/// The state after a segment's entries must be the one that the next segment begins with. The last segment's was
/// checked when the log was opened. Const calls are thread-safe.
class Scrubber {
 public:
  /// Starts a thread that reads at most this many bytes per second; none for 0. Throws Error{threads.start}.
  Scrubber(std::filesystem::path folder, std::uint64_t bytes_per_s);
  ~Scrubber();
  Scrubber(const Scrubber&) = delete;
  Scrubber& operator=(const Scrubber&) = delete;

  std::uint64_t n_segments() const;  // read so far and found sound; each counts once per pass
  std::string damage() const;        // "log.damaged: 00000003.log …"; empty if nothing was found

 private:
  void run();
  bool pass();
  bool read_segment(std::uint32_t number);
  bool wait(std::chrono::nanoseconds time);

  const std::filesystem::path folder_;
  const std::uint64_t bytes_per_s_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_over_ = false;
  std::uint64_t n_segments_ = 0;
  std::string damage_;
  std::thread thread_;
};

}  // namespace sluice::audit
