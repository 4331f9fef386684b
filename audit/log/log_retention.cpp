#include <cerrno>
#include <cstring>

#include "sluice/audit/log/log_writer.h"
#include "sluice/base/error.h"

namespace sluice::audit {

/// The log says what goes, under a signed checkpoint, before anything goes. Where the deletion is interrupted, the rest
/// is still there and verifies; the next retention takes it.
void LogWriter::retain(const RetentionPlan& plan, std::int64_t time_us) {
  std::string payload;
  encode(payload, plan.retention);
  seal({.kind = EntryKind::retention, .time_us = time_us}, payload, nullptr);
  finish();
  for (const std::uint32_t segment : plan.segments) {  // the oldest first: what is left has no hole
    const auto path = segment_path(folder_, segment);
    std::error_code error;
    if (!std::filesystem::remove(path, error) || error)
      throw Error("file.write", path.string() + ": it could not be deleted: " + error.message(),
                  "the log is sound; run the retention again");
  }
  if (const int error = sync_folder(folder_); error != 0)
    throw Error("file.write", folder_.string() + ": " + std::strerror(error));
}

}  // namespace sluice::audit
