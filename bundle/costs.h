#pragma once
/// What mistakes cost: the unit in which bands and cut-offs are chosen and backtests are reported.
///
/// Thread-safety: the functions are pure; values that do not change can be shared between threads.

#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/schema.h"
#include "sluice/bundle/policy.h"

namespace sluice::cascade {

/// Costs of one request, all in the same unit, which is the user's choice. Correct decisions cost nothing.
struct Costs {
  double false_positive = 1;     // a good request declined
  double false_negative = 1;     // a bad request approved
  std::optional<double> review;  // a person reviews a request and then decides correctly; none: there are no reviews
  double network_call = 0;       // forwarding one request, without the fetch costs of its late columns

  /// The cost of an action for a request that is bad (label 1) or good (0). `none` counts as a review, or as a decline
  /// if there are no reviews; so does `review`.
  double of(Action action, bool is_bad) const;

  /// Cut-offs that minimise the expected cost for calibrated probabilities (Chow, 1970). Approving costs
  /// p · false_negative, declining (1 - p) · false_positive, reviewing `review`; the cheapest action is taken.
  Cutoffs cutoffs() const;

  /// Default costs if none are known: declining a good request costs 1, approving a bad one (1 - bad rate) / bad rate
  /// (1 if only one class occurs), and a review three quarters of the cost at the break-even probability, so that a
  /// review zone exists.
  static Costs for_bad_rate(double bad_rate);

  /// Costs are 1e-12 to 1e12; network_call may be 0. Throws Error{costs.*} with every fault.
  static Costs from_json(std::string_view json, std::string_view source);
  std::string to_json() const;
};

/// The cost of forwarding one request: the network call and the fetch costs of all late columns.
double price_of_forwarding(const Costs& costs, const Schema& schema);

}  // namespace sluice::cascade
