#pragma once
/// Finds the band: the interval of the forest's probability with the largest gain, under a limit on the share of
/// forwarded rows.
///
/// Thread-safety: the functions are pure.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "sluice/bundle/policy.h"

namespace sluice::training {

struct BandOptions {
  bool by_gain = true;        // use a gain model if its expected savings are larger than the interval's (gain_step.h)
  double max_forward = 0.30;  // maximum share of forwarded rows, 0 to 1
  std::size_t n_cells = 200;  // candidate edges are quantiles of p: coarse, so that single rows are not fitted
  double min_z =
      1.0;  // the observed gain must be this many standard errors above 0, or no row is forwarded; -inf accepts any
};

struct BandChoice {
  std::optional<cascade::Band> band;  // none: forwarding does not pay
  double gain = 0;                    // observed, per row of `rows`
  double standard_error = 0;          // of `gain`
  double share = 0;                   // of `served` inside the band
};

/// The savings from forwarding one row.
struct BandRow {
  double p = 0;     // forest probability
  double gain = 0;  // expected saving of the network's answer over the forest's, after the price of forwarding: the
                    // search maximises its sum
  double seen = 0;  // observed saving, by the row's label: the choice must be significant in it
};

/// How many of `n_rows` may be forwarded: max_forward of them less half a standard error, because the share on other
/// rows differs from the one on these.
double max_forwarded(std::size_t n_rows, const BandOptions& options);

/// The standard error of the total saving of `n` rows, from their sum `seen` and the sum of their `squares`. Few rows
/// underestimate their variance: at least the `variance` of all rows is used.
double error_of_sum(double n, double seen, double squares, double variance);

/// The interval with the largest gain over `rows` that contains at most max_forwarded() of `served`, the probabilities
/// of the served forest. Forwarding pays where the expected gain given p is largest, not around 0.5 (Jitkrittum et al.,
/// NeurIPS 2023). Edges are quantiles of `served`; all pairs are tried.
BandChoice search_band(std::span<const BandRow> rows, std::span<const double> served, const BandOptions& options = {});

}  // namespace sluice::training
