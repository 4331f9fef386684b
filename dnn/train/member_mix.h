#pragma once
/// Combines the members of a network. All residual members have equal weight. The members that learnt from the row
/// alone are mixed in with the share that does best on the validation rows. Not installed.

#include <span>
#include <string>
#include <vector>

#include "sluice/dnn/weights.h"

namespace sluice::dnn {

struct MemberMix {
  double share_alone = 0;
  std::vector<double> factors;  // of each member's output, in a mean over the kept members; 0: dropped
  double forest = 0;            // of the forest's margin in addition, if no member is residual
};

/// `margins` of each member over the same rows; `forest`: the forest's. Shares are tried in steps of a tenth; ties go
/// to the smallest.
MemberMix choose_mix(std::span<const std::vector<double>> margins, const std::vector<bool>& residual,
                     std::span<const double> forest, std::span<const float> labels);

/// Multiplies a stored member's output by `factor` and adds `forest` times the forest's margin.
void scale_member(Tensors& tensors, const std::string& name, double factor, double forest);

double mean_log_loss(std::span<const double> margins, std::span<const float> labels);

}  // namespace sluice::dnn
