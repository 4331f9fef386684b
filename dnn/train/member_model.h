#pragma once
/// One member's parameters and its forward pass, for the trainer. Includes LibTorch; not installed.

#include <torch/types.h>

#include <string>
#include <vector>

#include "sluice/base/random.h"
#include "sluice/dnn/train/trainer.h"

namespace sluice::dnn {

/// A batch of encoded rows, split into parts.
struct ModelBatch {
  torch::Tensor dense, codes, margin, labels;  // [n, n_dense], int64 [n, n_categories], [n, n_outputs], [n, 1]
};

/// The edges of the piecewise-linear embeddings: for each dense input, ascending, at least two.
using BinEdges = std::vector<std::vector<float>>;
BinEdges find_bin_edges(const Encoder& encoder, const TrainingRows& rows, std::size_t max_bins);

/// All parameters are in one flat tensor and their gradients in another, so that the optimiser and the checkpoints have
/// two tensors. They are on the device; batches are on the CPU. All randomness comes from Sluice's own generator: it is
/// the same for every LibTorch.
class MemberModel {
 public:
  /// `start`: its margin before training, added to the forest's if it is residual.
  MemberModel(const Encoder& encoder, const MemberOptions& options, const BinEdges& edges, double start,
              torch::Device device, std::uint64_t seed);

  /// Margins [n, n_paths, n_outputs] of each path. In training `random` draws dropout and unseen words; null: neither.
  torch::Tensor forward(const ModelBatch& batch, Random* random) const;

  torch::Tensor& parameters() { return flat_; }
  torch::Tensor& gradients() { return gradients_; }
  const torch::Tensor& decays() const { return decays_; }  // 1 if weight decay applies
  std::size_t n_paths() const { return n_paths_; }

  /// The tensors of network.h under `name`, with these paths only; returns their shape.
  MemberShape store(Tensors& tensors, const std::string& name, const std::vector<std::size_t>& paths) const;

 private:
  struct Parameter {
    torch::Tensor* field;
    torch::Tensor value;
    bool has_decay;
  };
  void add(torch::Tensor& field, torch::Tensor value, bool has_decay);
  void lay_flat();
  void add_numeric(const BinEdges& edges, Random& random);
  long add_categories(const Encoder& encoder, Random& random);
  void add_trunk(long n_in, double start, Random& random);
  torch::Tensor own_dense(const torch::Tensor& dense) const { return dense.narrow(1, 0, n_own_); }
  torch::Tensor numeric_inputs(const torch::Tensor& dense) const;
  torch::Tensor inputs(const ModelBatch& batch, Random* random) const;
  torch::Tensor drop(const torch::Tensor& x, Random* random) const;
  void store_numeric(Tensors& tensors, const std::string& name, MemberShape& shape) const;
  torch::Tensor with_unread(const torch::Tensor& columns, float value) const;

  MemberOptions options_;
  torch::Device device_;
  std::size_t n_paths_ = 1, n_outputs_ = 1;
  // Dense inputs; the forest's are last, and a member that learns from the row alone does not read them.
  long n_own_ = 0, n_unread_ = 0;
  std::vector<Parameter> added_;
  torch::Tensor flat_, gradients_, decays_;
  BinEdges edges_;
  torch::Tensor edge_, inverse_width_, lowest_, highest_;  // [n_dense, bins], of the piecewise-linear functions
  torch::Tensor linear_, linear_bias_, steps_;             // [n_dense, d], [n_dense, d], [n_dense, bins, d]
  std::vector<torch::Tensor> embeddings_, towers_, tower_biases_;
  torch::Tensor scale_;  // [paths, inputs]
  std::vector<torch::Tensor> weights_, biases_;
  torch::Tensor head_, head_bias_, a_, b_;  // [paths, outputs, last width], and three of [paths, outputs]
};

}  // namespace sluice::dnn
