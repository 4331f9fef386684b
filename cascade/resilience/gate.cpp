#include "sluice/cascade/resilience/gate.h"

#include <algorithm>

namespace sluice::cascade {

Gate::Gate(const GateOptions& options) : is_open_(options.limit <= 0) {
  const double shares[kPriorityCount] = {1, options.normal_share, options.low_share};
  for (std::size_t p = 0; p < kPriorityCount; ++p) {
    limits_[p] = std::max<std::int64_t>(1, static_cast<std::int64_t>(shares[p] * static_cast<double>(options.limit)));
    // At least one below the limit, or requests would never be admitted again.
    resume_[p] =
        std::min(limits_[p] - 1, static_cast<std::int64_t>(options.resume_share * static_cast<double>(limits_[p])));
  }
}

bool Gate::admit(Priority priority) {
  const auto p = static_cast<std::size_t>(priority);
  const std::int64_t before = n_.fetch_add(1, std::memory_order_relaxed);
  const bool was_full = is_full_[p].load(std::memory_order_relaxed);
  const bool is_full = before >= limits_[p] || (was_full && before > resume_[p]);
  if (is_full != was_full) is_full_[p].store(is_full, std::memory_order_relaxed);
  if (is_full) leave();
  return !is_full;
}

}  // namespace sluice::cascade
