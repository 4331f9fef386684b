#pragma once
/// What mistakes cost: the currency in which bands and cut-offs are chosen and backtests are read.

#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/schema.h"
#include "sluice/bundle/policy.h"

namespace sluice::cascade {

/// Of one request, in any one unit. Right decisions cost nothing.
struct Costs {
  double false_positive = 1;     // a good request declined
  double false_negative = 1;     // a bad request approved
  std::optional<double> review;  // a request looked at by a person, who then decides rightly; none: nobody reviews
  double network_call = 0;       // forwarding one request, beside its late columns' fetch costs

  /// The cost of an action for a request that is bad (label 1) or good (0). `none` counts as a review, or a decline
  /// where nobody reviews.
  double of(Action action, bool is_bad) const;

  /// Cut-offs that minimise the expected cost of calibrated probabilities (Chow, 1970): approve while p ·
  /// false_negative is the least, decline while (1 - p) · false_positive is, review between.
  Cutoffs cutoffs() const;

  /// Costs where nothing is known of them: declining a good request costs 1, approving a bad one (1 - bad rate) / bad
  /// rate (1 where there are no two classes), a review three quarters of what the undecided request costs, so that a
  /// review zone exists.
  static Costs for_bad_rate(double bad_rate);

  /// Throws Error{costs.*} with every fault.
  static Costs from_json(std::string_view json, std::string_view source);
  std::string to_json() const;
};

/// What forwarding one request costs: the call and its late columns.
double price_of_forwarding(const Costs& costs, const Schema& schema);

}  // namespace sluice::cascade
