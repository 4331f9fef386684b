#pragma once
/// The device and the precision of training. Includes LibTorch; not installed.

#include <torch/types.h>

#include "sluice/dnn/train/trainer.h"

namespace sluice::dnn {

/// Throws Error{device.unavailable} if LibTorch has no such device, Error{training.precision} if the device lacks the
/// precision.
torch::Device training_device(const TrainerOptions& options);

/// While it lives, this thread's matrix products have inputs and outputs of this precision; sums, losses and parameters
/// stay float32. For float32 it has no effect.
class Autocast {
 public:
  Autocast(Precision precision, torch::Device device);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool is_on_;
  torch::Device device_;
};

}  // namespace sluice::dnn
