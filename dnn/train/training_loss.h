#pragma once
/// The losses that training minimises, and those that it selects models by. For one output, the negative log-likelihood
/// of a margin in log-odds; for several, that of the label's class under the softmax of the margins. Includes LibTorch;
/// not installed.

#include <torch/types.h>

#include <span>
#include <vector>

namespace sluice::dnn {

/// For every path: margins [n, n_paths, n_outputs] and labels [n, 1], on one device, to [n, n_paths].
torch::Tensor losses_of(const torch::Tensor& margins, const torch::Tensor& labels);

/// For one row's margins, in double. A label is 0 or 1, or the number of a class.
double loss_of(std::span<const double> margins, float label);

/// Mean over rows of margins [n_rows, n_outputs].
double mean_loss(std::span<const double> margins, std::span<const float> labels);

/// AUC of the margins; for several outputs, the mean AUC of each class in the labels against the rest. NaN if all
/// labels are equal.
double mean_auc(std::span<const double> margins, std::span<const float> labels);

}  // namespace sluice::dnn
