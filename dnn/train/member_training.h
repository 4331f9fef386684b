#pragma once
/// The training of one member: epochs, early stopping, recovery from losses that are not finite, checkpoints.
/// Includes LibTorch; not installed.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "sluice/dnn/train/loss_scale.h"
#include "sluice/dnn/train/member_model.h"

namespace sluice::dnn {

/// The state of a training between two epochs; with `restore`, everything that its continuation depends on.
struct TrainingState {
  torch::Tensor parameters, best_parameters;  // after the last good epoch; at the best one
  torch::Tensor moments, squares;             // of AdamW
  std::uint64_t step = 0;
  std::size_t epoch = 0, best_epoch = 0, n_restarts = 0;
  double best_loss = 0, rate_share = 1;  // halved by restarts and by the plateau schedule
  std::size_t last_cut = 0;              // the epoch of the last halving, or the best one after it
  LossScale loss_scale;                  // of fp16

  std::string to_bytes(const std::string& digest) const;
  /// Throws Error{training.checkpoint} if the bytes belong to another training.
  static TrainingState from_bytes(std::string_view bytes, const std::string& digest, const std::string& source);
};

class MemberTraining {
 public:
  MemberTraining(const Encoder& encoder, const TrainingRows& train, const TrainingRows& valid,
                 const TrainerOptions& options, const MemberOptions& member, torch::Device device, std::uint64_t seed);

  const TrainingState& state() const { return state_; }
  void resume(TrainingState state);
  bool is_done() const;
  /// Runs one more epoch. Throws Error{training.diverged}.
  EpochReport run_epoch();

  /// Validation log-loss of the forest's margin alone.
  double loss_before() const { return loss_before_; }
  /// Restores the model of the best epoch, chooses the paths to keep and stores them; `valid_margins` are the member's
  /// margins of the validation rows.
  MemberShape store(Tensors& tensors, const std::string& name, std::vector<double>& valid_margins);

 private:
  double train_epoch(double& rate);
  torch::Tensor loss_of_batch(const ModelBatch& batch, Random& random) const;
  bool find_gradients(const torch::Tensor& loss);
  double rate_at(std::size_t epoch, std::uint64_t step) const;
  void take_step(double rate);
  torch::Tensor margins(const TrainingRows& rows) const;  // [n_rows, n_paths, n_outputs], double

  const Encoder& encoder_;
  TrainingRows train_, valid_;
  TrainerOptions options_;
  MemberOptions member_;
  torch::Device device_;
  std::uint64_t seed_;
  MemberModel model_;
  torch::Tensor moments_, squares_;
  TrainingState state_;
  double loss_before_ = 0;
};

/// Rows of one batch, split into parts.
ModelBatch take_batch(const Encoder& encoder, const TrainingRows& rows, std::span<const std::size_t> which);

/// Of paths [n_rows, n_paths, n_outputs], the `n` whose mean margin has the lowest log-loss, added one by one.
std::vector<std::size_t> choose_paths(const torch::Tensor& margins, std::span<const float> labels, std::size_t n);

}  // namespace sluice::dnn
