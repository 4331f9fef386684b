#pragma once
/// Checks of training data and options. Not installed.

#include "sluice/dnn/train/trainer.h"

namespace sluice::dnn {

/// Throws Error{training.*}. Reads every row once.
void check_training(const Encoder& encoder, const TrainingRows& train, const TrainingRows& valid,
                    const TrainerOptions& options);

}  // namespace sluice::dnn
