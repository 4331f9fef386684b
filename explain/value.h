#pragma once
/// The value functions of the games, computed with the engine's own stages. Not installed.

#include <cstddef>
#include <span>
#include <vector>

#include "sluice/cascade/engine.h"

namespace sluice::explain {

enum class Route {
  forest,   // the forest's margin
  network,  // the network's margin, for every row
  routed,   // the calibrated log-odds of the stage that the row is routed to
};

/// Counts its evaluations: use one object per explanation, on one thread.
class GameValue {
 public:
  /// If `network_answers` is false, no row is forwarded.
  GameValue(const cascade::Engine& engine, Route route, bool network_answers = true)
      : engine_(engine), route_(route), network_answers_(network_answers) {}

  void operator()(RowsView rows, std::span<double> values);

  std::size_t n_evaluations() const { return n_evaluations_; }
  /// NaN unless the route is `network` and the policy has a band.
  double off_route_fraction() const;

 private:
  bool in_band(RowView row, const cascade::PrefixMargins& staged) const;
  bool is_forwarded(RowView row, const cascade::PrefixMargins& staged, float network) const;

  const cascade::Engine& engine_;
  Route route_;
  bool network_answers_;
  std::size_t n_evaluations_ = 0, n_off_route_ = 0;
  std::vector<cascade::PrefixMargins> staged_;
  std::vector<float> margins_;
};

/// slope · margin + intercept: log-odds on the same scale for both stages.
double calibrated_log_odds(const cascade::Platt& platt, float margin);

}  // namespace sluice::explain
