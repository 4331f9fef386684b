#include <cerrno>
#include <cstring>

#include "sluice/audit/log/log_writer.h"
#include "sluice/base/error.h"

namespace sluice::audit {

/// Writes the retention entry and a signed checkpoint before it deletes anything. If the deletion is interrupted, the
/// remaining segments still verify; the next retention deletes them.
void LogWriter::retain(const RetentionPlan& plan, std::int64_t time_us) {
  std::string payload;
  encode(payload, plan.retention);
  seal({.kind = EntryKind::retention, .time_us = time_us}, payload, nullptr);
  finish();
  for (const std::uint32_t segment : plan.segments) {  // the oldest first, so that no gap arises
    const auto path = segment_path(folder_, segment);
    std::error_code error;
    if (!std::filesystem::remove(path, error) || error)
      throw Error("file.write", path.string() + ": the file could not be deleted: " + error.message(),
                  "the log is whole; run the retention again");
  }
  if (const int error = sync_folder(folder_); error != 0)
    throw Error("file.write", folder_.string() + ": " + std::strerror(error));
}

}  // namespace sluice::audit
