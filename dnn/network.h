#pragma once
/// A network on top of a forest's margin m: a mean over members, each a mean over its paths:
///
///     z = 1/M sum over members ( 1/K sum over paths ( a_k m + b_k + head_k(trunk(scale_k x inputs)) ) )
///
///     inputs = [embedding of each dense input, or the inputs as they are | embedding of each category code]
///     trunk  = relu after linear, once per hidden layer; its weights are shared by the member's paths
///
/// One path without a scale is a residual multi-layer perceptron. Several are TabM-mini (Gorishniy et al., ICLR 2025).
/// Dense inputs are embedded by piecewise-linear functions (Gorishniy et al., NeurIPS 2022), stored here as the value
/// and slope of each bin. z is a margin in log-odds.
///
/// A network with several outputs has one for each class: m and z are vectors. Every path has an a, a b and a head for
/// each class on the shared trunk, and each class's margin is the mean as above. The probabilities are softmax(z).
///
/// Every number is float32, with its operations in one order (executor.h); "fma" rounds once:
///
///     embedding of input x in bin i     fma(x - edge[i], slope[i], at[i])
///     scaled input                      scale x embedding
///     output of a layer, of a head      a chain of fma over its inputs in their order, which starts at the bias
///     path                              fma(a, m, b) + head
///     member, network                   the sum in order, divided by the number
///
/// Weights are stored as safetensors (docs/bundle_format.md lists their names).
/// Thread-safety: immutable after load; const calls are thread-safe.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/schema.h"
#include "sluice/dnn/encoder.h"
#include "sluice/dnn/weights.h"

namespace sluice::dnn {

/// Networks beyond these limits are rejected at load, because the CPU executor has a block of activations on the stack.
inline constexpr std::size_t kMaxWidth = 2048;   // of a hidden layer
inline constexpr std::size_t kMaxInputs = 8192;  // of a trunk
inline constexpr std::size_t kMaxPaths = 64;
inline constexpr std::size_t kMaxOutputs = 64;

/// y = x W + b; `weight` is [n_in, n_out_padded], row-major, so that a vector runs over outputs. Padding is zero.
struct Linear {
  static constexpr std::size_t kPad = 16;

  std::size_t n_in = 0, n_out = 0, n_out_padded = 0;
  std::vector<float> weight;
  std::vector<float> bias;  // n_out_padded
};

/// The shape of a member. Its tensors have these shapes.
struct MemberShape {
  std::vector<std::size_t> hidden;      // widths; may be empty
  std::size_t n_paths = 1;              // above 1 the member has a scale
  std::size_t numeric_dimension = 0;    // of a dense input's embedding; 0: dense inputs are read as they are
  std::vector<std::size_t> n_bins;      // of each dense input's embedding; empty if the dimension is 0
  std::vector<std::size_t> dimensions;  // of each category's embedding

  bool operator==(const MemberShape&) const = default;
};

/// A piecewise-linear function of one dense input, with several outputs. Beyond the ends it continues linearly.
struct Pieces {
  // [n_bins], ascending: where each bin begins; the first bin also has all values below it
  std::vector<float> edges;
  std::vector<float> at, slope;  // [n_bins, dimension]
};

struct Member {
  MemberShape shape;
  std::size_t n_inputs = 0;
  std::vector<Pieces> numeric;                 // one per dense input, or none
  std::vector<std::vector<float>> embeddings;  // one per category: [n_words + 2, dimension]
  std::vector<float> scale;                    // [n_paths, n_inputs]; empty for one path
  std::vector<Linear> layers;                  // one per hidden layer
  std::vector<float> head_weight, head_bias;   // [n_paths, n_outputs, last width], [n_paths, n_outputs]
  std::vector<float> a, b;                     // [n_paths, n_outputs]
};

class Network {
 public:
  /// Throws Error{network.*, weights.*} with `source` if JSON, tensors and schema do not match.
  static Network load(std::string_view json, std::string_view safetensors, const Schema& schema,
                      std::string_view source);
  Network(Encoder encoder, const std::vector<MemberShape>& shapes, const Tensors& tensors, std::string_view source);

  /// The JSON that `load` reads back, together with the tensors.
  std::string to_json(const Schema& schema) const;

  /// 1: a margin in log-odds. Otherwise one margin per class of the encoder.
  std::size_t n_outputs() const { return encoder_.n_margins(); }
  const Encoder& encoder() const { return encoder_; }
  const std::vector<Member>& members() const { return members_; }

 private:
  Encoder encoder_;
  std::vector<Member> members_;
};

}  // namespace sluice::dnn
