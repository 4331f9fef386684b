#pragma once
/// Where training computes, and in which numbers. Includes LibTorch; not installed.

#include <torch/types.h>

#include "sluice/dnn/train/trainer.h"

namespace sluice::dnn {

/// Throws Error{device.unavailable} where LibTorch has no such device, Error{training.precision} where the device
/// lacks the precision.
torch::Device training_device(const TrainerOptions& options);

/// While it lives, this thread's matrix products take and give numbers of this precision; sums, losses and parameters
/// stay float32. Of float32 it does nothing.
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
