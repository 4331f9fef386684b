#pragma once
/// A residual multi-layer perceptron on top of a forest's margin m, as a mean over K members:
///
///     z = 1/K Σ_k ( a_k · m + b_k + f_k(x) )        f_k = linear ∘ relu ∘ linear ∘ … ∘ relu ∘ linear
///
/// x is the encoder's dense part followed by the embeddings of the category codes. z is a margin in log-odds.
/// Immutable; const is thread-safe. Weights are stored as safetensors ("member.0.layer.1.weight" [out, in], as PyTorch
/// has them).

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/schema.h"
#include "sluice/dnn/encoder.h"
#include "sluice/dnn/weights.h"

namespace sluice::dnn {

/// Wider layers are refused at load: the CPU executor keeps a block of activations on the stack.
inline constexpr std::size_t kMaxWidth = 2048;

/// y = x W + b; `weight` is [n_in, n_out_padded], row-major, so that a vector runs over outputs. Padding is zero.
struct Linear {
  static constexpr std::size_t kPad = 16;

  std::size_t n_in = 0, n_out = 0, n_out_padded = 0;
  std::vector<float> weight;
  std::vector<float> bias;  // n_out_padded
};

struct Member {
  float a = 1, b = 0;
  std::vector<std::vector<float>> embeddings;  // one a category column: [n_words + 2, dimension]
  std::vector<Linear> layers;                  // relu between them; the last has one output
};

class Network {
 public:
  /// Throws Error{network.*, weights.*} naming `source`, where JSON, tensors and schema do not fit together.
  static Network load(std::string_view json, std::string_view safetensors, const Schema& schema,
                      std::string_view source);
  Network(Encoder encoder, std::vector<std::size_t> hidden, const Tensors& tensors, std::string_view source);

  /// What `load` reads back, beside the tensors.
  std::string to_json(const Schema& schema) const;

  const Encoder& encoder() const { return encoder_; }
  const std::vector<Member>& members() const { return members_; }
  std::size_t n_inputs() const { return n_inputs_; }  // dense inputs and embeddings

 private:
  Encoder encoder_;
  std::vector<std::size_t> hidden_;
  std::vector<Member> members_;
  std::size_t n_inputs_ = 0;
};

}  // namespace sluice::dnn
