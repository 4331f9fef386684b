#pragma once
/// Where forwarding pays: the interval of forest probability with the largest gain under a limit on the share
/// forwarded.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "sluice/bundle/policy.h"

namespace sluice::training {

struct BandOptions {
  bool by_gain = true;        // a gain model may choose the rows, where it promises more than an interval (gain_step.h)
  double max_forward = 0.30;  // share of the rows
  std::size_t n_cells = 200;  // candidate edges are quantiles of p: coarse enough not to chase single rows
  double min_z =
      1.0;  // the gain seen must be so many standard errors above 0, else nothing is forwarded; -inf takes any
};

struct BandChoice {
  std::optional<cascade::Band> band;  // none: forwarding does not pay
  double gain = 0;                    // seen, mean a row of `rows`
  double standard_error = 0;          // of it
  double share = 0;                   // of `served` inside
};

/// What is known of forwarding one row.
struct BandRow {
  double p = 0;     // forest probability
  double gain = 0;  // what the network's answer is expected to save over the forest's, its price taken off: what the
                    // search adds up
  double seen = 0;  // what it saved, by the row's outcome: what the choice must prove itself on
};

/// How many of `n_rows` may be forwarded. The share on the next rows differs from the one seen here; half a standard
/// error is kept free for it.
double max_forwarded(std::size_t n_rows, const BandOptions& options);

/// The standard error of what `n` rows saved together, from their sum `seen` and the sum of their `squares`. A few rows
/// tell too little of their own spread: it counts for at least the `variance` of all rows.
double error_of_sum(double n, double seen, double squares, double variance);

/// The interval with the largest gain over `rows` whose share of `served` (forest probabilities as the served forest
/// gives them) is at most max_forward, less half a standard error. Forwarding pays where the expected gain given p is
/// largest, not around 0.5 (Jitkrittum et al., NeurIPS 2023). Edges are quantiles of `served`; all pairs are tried.
BandChoice search_band(std::span<const BandRow> rows, std::span<const double> served, const BandOptions& options = {});

}  // namespace sluice::training
