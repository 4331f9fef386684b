#include <algorithm>
#include <cmath>

#include "sluice/base/stack_buffer.h"
#include "sluice/cascade/engine.h"
#include "sluice/cascade/engine_parts.h"
#include "sluice/cascade/resilience/network_call.h"

namespace sluice::cascade {
namespace {

constexpr std::size_t kStackColumns = 512;

}  // namespace

void Engine::refine(const Request& request, const PrefixMargins& staged, Decision& d) const {
  const Stopwatch watch(timings_, d.timings_us.network);
  const auto leave = [&d](Cause cause) { degrade_to(Level::L1, cause, d); };
  if (const Cause cause = may_refine(request.deadline); cause != Cause::none) return leave(cause);
  const Gate::Pass pass = gates_->network.enter(request.priority);
  if (!pass) return leave(Cause::network_shed);
  StackBuffer<double, kStackColumns> full(request.row.size());
  std::copy(request.row.begin(), request.row.end(), full.data());
  if (const Cause cause = fetch_late(request, full.span(), d); cause != Cause::none) return leave(cause);
  float margin = 0;
  const NetworkAnswer answer = network_->ask(RowView(full.span()), staged, request.deadline, margin);
  answer.cause == Cause::none ? take_network(margin, answer.device, d) : leave(answer.cause);
}

Cause Engine::may_refine(Deadline deadline) const {
  if (!network_) return Cause::network_missing;
  if (!bundle_->policy.network.enabled) return Cause::network_disabled;
  if (deadline.remaining_us() <= network_->p99_us()) return Cause::network_late;
  return Cause::none;
}

Cause Engine::fetch_late(const Request& request, std::span<double> full, Decision& d) const {
  using Result = FeatureProvider::Result;
  const auto columns = bundle_->schema.late_columns();
  if (columns.empty()) return Cause::none;
  if (!request.provider) return lacks_late_features(request.row) ? Cause::late_features_missing : Cause::none;
  const std::span<double> late(d.late.data(), columns.size());
  std::fill(late.begin(), late.end(), std::nan(""));
  auto result = Result::failed;
  try {
    result = request.provider->fetch(request.row, late, request.deadline);
  } catch (...) {
  }
  if (result == Result::missing) return Cause::late_features_missing;
  // A value that is none of the enumeration's comes from a host's cast or from another version of it.
  if (result != Result::ok && result != Result::late) return Cause::late_features_failed;
  if (result == Result::late || request.deadline.remaining_us() <= network_->p99_us()) return Cause::late_features_late;
  for (std::size_t i = 0; i < columns.size(); ++i) full[columns[i]] = late[i];
  d.late_fetched = true;
  return Cause::none;
}

bool Engine::lacks_late_features(RowView row) const {
  const auto columns = bundle_->schema.late_columns();
  return !columns.empty() &&
         std::all_of(columns.begin(), columns.end(), [&](std::size_t c) { return std::isnan(row[c]); });
}

}  // namespace sluice::cascade
