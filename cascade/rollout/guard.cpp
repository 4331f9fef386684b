#include "sluice/cascade/rollout/guard.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sluice::cascade {
namespace {

bool is_late(const Decision& d) {
  return d.cause == Cause::network_late || d.cause == Cause::forest_late || d.cause == Cause::late_features_late;
}

std::string rise(const char* of, double now, double before, double most) {
  char text[160];
  std::snprintf(text, sizeof text, "%s %.4f, before %.4f on the same requests; the limit of the rise is %.4f", of, now,
                before, most);
  return text;
}

}  // namespace

void Guard::Side::add(const Decision& d, float took_us) {
  ++actions[static_cast<std::size_t>(d.action)];
  n_degraded += d.level != Level::L0;
  n_late += is_late(d);
  const double place = 4 * std::log2(1 + std::max(0.0, static_cast<double>(took_us)));
  ++us[static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(us.size() - 1)))];
}

double Guard::Side::median_us() const {
  std::uint64_t n = 0, seen = 0;
  for (const auto count : us) n += count;
  for (std::size_t k = 0; k < us.size(); ++k)
    if ((seen += us[k]) * 2 >= n) return std::exp2(static_cast<double>(k) / 4) - 1;
  return 0;
}

void Guard::add(const ShadowPair& pair) {
  // Late columns are fetched only for the served version's band: their absence is not the other version's fault.
  if (pair.shadow.cause == Cause::late_features_missing && pair.served.cause != Cause::late_features_missing) return;
  const std::lock_guard lock(mutex_);
  now_.add(pair.served, pair.served_us);
  before_.add(pair.shadow, pair.shadow_us);
  ++n_;
}

std::string Guard::verdict() const {
  const std::lock_guard lock(mutex_);
  if (n_ < std::max<std::uint64_t>(1, options_.min_pairs)) return {};
  const double degraded = share(now_.n_degraded), degraded_before = share(before_.n_degraded);
  if (degraded > degraded_before + options_.max_degraded_rise)
    return rise("share decided below L0", degraded, degraded_before, options_.max_degraded_rise);
  const double late = share(now_.n_late), late_before = share(before_.n_late);
  if (late > late_before + options_.max_late_rise) return rise("share late", late, late_before, options_.max_late_rise);
  double shift = 0;
  for (std::size_t a = 0; a < kActionCount; ++a)
    shift += std::abs(share(now_.actions[a]) - share(before_.actions[a])) / 2;
  if (shift > options_.max_action_shift) return rise("shift of actions", shift, 0, options_.max_action_shift);
  const double slow = (1 + now_.median_us()) / (1 + before_.median_us());
  if (slow > options_.max_slowdown)
    return rise("median time as a multiple of the predecessor's", slow, 1, options_.max_slowdown - 1);
  return {};
}

std::uint64_t Guard::n_pairs() const {
  const std::lock_guard lock(mutex_);
  return n_;
}

}  // namespace sluice::cascade
