#include "sluice/explain/value.h"

#include "sluice/cascade/routing.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice::explain {

double calibrated_log_odds(const cascade::Platt& platt, float margin) {
  return platt.slope * static_cast<double>(margin) + platt.intercept;
}

void GameValue::operator()(RowsView rows, std::span<double> values) {
  const cascade::Bundle& bundle = engine_.bundle();
  staged_.resize(rows.n_rows);
  margins_.resize(rows.n_rows);
  engine_.forest_stage().score(rows, staged_);
  if (route_ != Route::forest && engine_.network_stage())
    engine_.network_stage()->score(rows, staged_, margins_, cascade::Deadline::none());
  for (std::size_t i = 0; i < rows.n_rows; ++i) {
    const float forest = staged_[i].back();
    if (route_ == Route::forest)
      values[i] = static_cast<double>(forest);
    else if (route_ == Route::network)
      values[i] = static_cast<double>(margins_[i]);
    else if (is_forwarded(rows.row(i), staged_[i], margins_[i]))
      values[i] = calibrated_log_odds(bundle.calibration.network, margins_[i]);
    else
      values[i] = calibrated_log_odds(bundle.calibration.forest, forest);
    n_off_route_ += route_ == Route::network && !in_band(rows.row(i), staged_[i]);
  }
  n_evaluations_ += rows.n_rows;
}

double GameValue::off_route_fraction() const {
  if (route_ != Route::network || !engine_.bundle().policy.band || n_evaluations_ == 0)
    return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(n_off_route_) / static_cast<double>(n_evaluations_);
}

bool GameValue::in_band(RowView row, const cascade::PrefixMargins& staged) const {
  const cascade::Bundle& bundle = engine_.bundle();
  return cascade::route_of(bundle, row, staged, bundle.calibration.forest.probability(staged.back())).is_forwarded;
}

bool GameValue::is_forwarded(RowView row, const cascade::PrefixMargins& staged, float network) const {
  if (!network_answers_ || !engine_.network_stage() || !in_band(row, staged) || !std::isfinite(network)) return false;
  const auto late = engine_.bundle().schema.late_columns();  // if all are missing, the engine does not forward the row
  return late.empty() || !std::all_of(late.begin(), late.end(), [&](std::size_t c) { return std::isnan(row[c]); });
}

}  // namespace sluice::explain
