#pragma once
/// Trains a residual network (network.h) with LibTorch, on the CPU.
///
/// Training starts exactly at the forest: a = 1, b = 0 and the last layer zero, and that state is epoch 0 of early
/// stopping, so on the validation rows the result is never worse than the forest. The same data, options and LibTorch
/// give the same bits, whatever the number of threads: each member has generators of its own and works on one thread.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/progress.h"
#include "sluice/dnn/encoder.h"
#include "sluice/dnn/weights.h"

namespace sluice::dnn {

struct TrainerOptions {
  std::vector<std::size_t> hidden = {128, 128};
  std::size_t n_members = 3;    // networks whose margins are averaged
  double dropout = 0.15;        // 0 is off
  double learning_rate = 1e-3;  // AdamW (Loshchilov and Hutter, 2019)
  double weight_decay = 1e-3;
  double clip_norm = 1.0;  // of the gradient; 0 is off
  std::size_t batch_size = 256;
  std::size_t max_epochs = 40;
  std::size_t patience = 6;  // epochs without a better validation loss
  std::uint64_t seed = 1;
  std::size_t n_threads = 1;
};

struct TrainingRows {
  BatchView encoded;              // [n_rows, n_encoded], as the encoder writes them
  std::span<const float> labels;  // 0 or 1
};

struct TrainedNetwork {
  Tensors tensors;                  // as network.h names them
  double loss_before = 0;           // validation log-loss of the forest's margin as it is
  std::vector<double> losses;       // of each member at its best epoch
  std::vector<std::size_t> epochs;  // that epoch; 0 where training never helped
};

/// Throws Error{training.*} on empty or ill-shaped data and where the loss stops being finite, Error{interrupted} where
/// `progress` says so.
TrainedNetwork train_network(const Encoder& encoder, const TrainingRows& train, const TrainingRows& valid,
                             const TrainerOptions& options, const Progress& progress = {});

/// "1.13.1"
std::string torch_version();

}  // namespace sluice::dnn
