#pragma once
/// Rows to train networks on, and options for short training.

#include <string>
#include <vector>

#include "dnn_support.h"
#include "sluice/base/error.h"
#include "sluice/dnn/train/trainer.h"

namespace sluice::test {

struct Sample {
  FloatTable encoded;
  std::vector<float> labels;
  dnn::TrainingRows rows() const { return {encoded.view(), labels}; }
};

/// The label is the XOR of two signs, with some labels flipped; the forest's margin contains no information.
inline Sample xor_sample(const RandomNetwork& n, std::size_t n_rows, std::uint64_t seed) {
  Sample sample{random_encoded(n.encoder, n_rows, seed), {}};
  Random random(seed, 1);
  for (std::size_t i = 0; i < n_rows; ++i) {
    const auto row = sample.encoded.row(i);
    row.back() = static_cast<float>(random.normal() * 0.3);
    sample.labels.push_back(((row[0] > 0) != (row[2] > 0)) != (random.below(20) == 0) ? 1.0f : 0.0f);
  }
  return sample;
}

inline dnn::TrainerOptions small_options() {
  dnn::TrainerOptions options;
  options.members = {dnn::MemberOptions::of(dnn::NetworkKind::mlp)};
  options.members[0].hidden = {16, 16};
  options.members[0].count = 2;
  options.max_epochs = 12;
  options.batch_size = 64;
  options.learning_rate = 5e-3;
  return options;
}

/// The code of the error with which training ends; empty if there is none.
inline std::string training_error(const dnn::Encoder& encoder, const dnn::TrainingRows& train,
                                  const dnn::TrainingRows& valid, const dnn::TrainerOptions& options) {
  try {
    dnn::train_network(encoder, train, valid, options);
  } catch (const Error& e) {
    return e.code();
  }
  return "";
}

}  // namespace sluice::test
