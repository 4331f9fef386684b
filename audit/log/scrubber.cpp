#include "sluice/audit/log/scrubber.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "sluice/audit/log/segment_reader.h"
#include "sluice/base/error.h"
#include "sluice/base/thread_pool.h"

namespace sluice::audit {
namespace {

using std::chrono::nanoseconds;

constexpr std::uint64_t kSliceBytes = 1 << 16;     // between two rests
constexpr auto kPause = std::chrono::seconds(60);  // between two passes

}  // namespace

Scrubber::Scrubber(std::filesystem::path folder, std::uint64_t bytes_per_s)
    : folder_(std::move(folder)), bytes_per_s_(bytes_per_s) {
  if (bytes_per_s_ == 0) return;
  thread_ = start_thread("the decision log's second reading", [this] { run(); });
}

Scrubber::~Scrubber() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::uint64_t Scrubber::n_segments() const {
  const std::lock_guard lock(mutex_);
  return n_segments_;
}

std::string Scrubber::damage() const {
  const std::lock_guard lock(mutex_);
  return damage_;
}

/// False if the log is being closed.
bool Scrubber::wait(nanoseconds time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [&] { return is_over_; });
}

void Scrubber::run() {
  try {
    while (pass() && wait(kPause)) continue;
  } catch (const Error& error) {
    const std::lock_guard lock(mutex_);
    damage_ = error.code() + ": " + error.message();
  } catch (const std::exception&) {
    const std::lock_guard lock(mutex_);
    damage_ = "log.damaged: a segment cannot be read";
  }
}

bool Scrubber::pass() {
  const auto numbers = segment_numbers(folder_);
  for (std::size_t i = 0; i + 1 < numbers.size(); ++i) {
    try {
      if (!read_segment(numbers[i])) return false;
    } catch (const Error& error) {
      throw Error("log.damaged", segment_path(folder_, numbers[i]).filename().string() + ": " + error.message());
    }
  }
  return true;
}

/// False if the log is being closed. Throws Error{log.*, file.*} for a damaged segment.
bool Scrubber::read_segment(std::uint32_t number) {
  const auto path = segment_path(folder_, number), next_path = segment_path(folder_, number + 1);
  const auto fail = [](const std::string& what) { throw Error("log.damaged", what); };
  if (!std::filesystem::exists(path)) return true;  // retention has just deleted it
  SegmentReader reader(path);
  LogState state(reader.header());
  SegmentReader::Next found;
  std::uint64_t rested_at = 0;
  for (EntryView entry; (found = reader.next(entry)) == SegmentReader::Next::entry;) {
    if (const std::string why = state.accept(entry); !why.empty())
      fail("entry " + std::to_string(entry.header.index) + " at byte " + std::to_string(reader.offset()) + ": " + why);
    if (reader.offset() - rested_at < kSliceBytes) continue;
    const auto time =
        nanoseconds(std::max<std::uint64_t>(1, (reader.offset() - rested_at) * 1'000'000'000 / bytes_per_s_));
    rested_at = reader.offset();
    if (!wait(time)) return false;
  }
  if (found == SegmentReader::Next::broken) fail("no whole entry at byte " + std::to_string(reader.offset()));
  if (SegmentReader(next_path).header().bytes() != state.next_segment(number + 1).bytes())
    fail("its entries are not those that " + next_path.filename().string() + " begins after");
  const std::lock_guard lock(mutex_);
  ++n_segments_;
  return !is_over_;
}

}  // namespace sluice::audit
