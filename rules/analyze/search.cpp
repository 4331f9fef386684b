#include "sluice/rules/analyze/search.h"

#include <algorithm>
#include <cmath>

#include "sluice/base/random.h"
#include "sluice/rules/eval/arithmetic.h"
#include "sluice/rules/eval/compare.h"

namespace sluice::rules {
namespace {

constexpr std::size_t kMaxHeld = 10'000'000;  // weight of the boxes of one search: some hundred MiB
constexpr std::size_t kMaxBoxesTried = 64, kAttemptsPerBox = 128;

}  // namespace

/// Depth first: one box of each region, the smallest region first.
Answer Search::find(std::vector<const Boxes*> regions, std::size_t steps_to_confirm,
                    const std::function<bool(const Witness&)>& confirms) {
  std::stable_sort(regions.begin(), regions.end(),
                   [](const Boxes* a, const Boxes* b) { return a->size() < b->size(); });
  struct Level {
    Box box;               // the intersection of the boxes of the levels above
    std::size_t next = 0;  // of this level's region
  };
  std::vector<Level> levels = {{}};
  std::size_t n_tried = 0, held = weight(levels.back().box);
  const auto leave = [&] {
    held -= weight(levels.back().box);
    levels.pop_back();
  };
  while (!levels.empty()) {
    Level& level = levels.back();
    if (levels.size() > regions.size()) {
      if (try_box(level.box, steps_to_confirm, confirms)) return Answer::found;
      if (++n_tried == kMaxBoxesTried) return Answer::gave_up;
      leave();
      continue;
    }
    const Boxes& region = *regions[levels.size() - 1];
    if (level.next == region.size()) {
      leave();
      continue;
    }
    if (!spend(weight(level.box)) || held > kMaxHeld) return Answer::gave_up;
    if (auto box = intersection(level.box, region[level.next++])) {
      held += weight(*box);
      levels.push_back({std::move(*box)});
    }
  }
  return n_tried == 0 ? Answer::none : Answer::gave_up;
}

/// False, until the limit is raised, if fewer steps are left.
bool Search::spend(std::size_t steps) {
  steps_ = steps < steps_ ? steps_ - steps : 0;
  return steps_ > 0;
}

bool Search::try_box(const Box& box, std::size_t steps_to_confirm,
                     const std::function<bool(const Witness&)>& confirms) {
  random_ = 0;
  for (std::size_t attempt = 0; attempt < kAttemptsPerBox; ++attempt) {
    if (!spend(steps_to_confirm)) return false;
    fill(box, attempt);
    if (confirms(witness_)) return true;
  }
  return false;
}

void Search::fill(const Box& box, std::size_t attempt) {
  witness_.row.assign(n_columns_, kMissing);
  witness_.given = {};
  auto side = box.begin();
  for (std::size_t i = 0; i < variables_.size(); ++i) {
    const Variable& variable = variables_[i];
    const bool is_bound = side != box.end() && side->first == i;
    const double value = value_in(variable, is_bound ? side->second : Cells(variable.values.size(), true), attempt);
    if (is_bound) ++side;
    (variable.source == Op::cell ? witness_.row[variable.index] : given_value(witness_.given, variable.index)) = value;
  }
}

/// First the first allowed cell, missing last; then any, and within an interval other values than its representative.
double Search::value_in(const Variable& variable, const Cells& allowed, std::size_t attempt) {
  std::vector<std::size_t> cells;
  for (std::size_t cell = 0; cell < allowed.size(); ++cell)
    if (allowed.has(cell)) cells.push_back(cell);
  if (attempt == 0) return variable.values[cells.front()];
  random_ = mix64(random_ + attempt);
  const std::size_t cell = cells[random_ % cells.size()];
  const double value = variable.values[cell];
  if (!variable.is_ordered || cell + 1 == variable.values.size()) return value;
  const double low = cell > 0 ? variable.values[cell - 1] : -HUGE_VAL;
  const double high = cell + 2 < variable.values.size() ? variable.values[cell + 1] : HUGE_VAL;
  const double moved =
      value + std::ldexp(1.0, static_cast<int>((random_ >> 32) % 24) - 4) * ((random_ >> 20 & 1) ? 1 : -1);
  const bool fits = low < moved && moved < high && variable.lowest <= moved && moved <= variable.highest;
  return fits ? moved : value;
}

}  // namespace sluice::rules
