#pragma once
/// Trains a network (network.h) with LibTorch, on the CPU or on a CUDA device.
///
/// Residual members start exactly at the forest: a = 1, b = 0 and zero heads, and that state is epoch 0 of early
/// stopping; the others are mixed in only if that helps. On the validation rows the result is therefore never worse
/// than the forest. The same data, options and LibTorch give the same bits for every number of threads, also if
/// training was interrupted and resumed: every member runs on one thread, and each epoch's random numbers depend only
/// on seed, member and epoch. On a CUDA device the order of sums is not fixed: the same numbers are drawn, but the bits
/// differ from run to run.
/// Thread-safety: one call at a time, because training sets the number of LibTorch's threads. Callbacks run on the
/// training threads, one at a time.

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/progress.h"
#include "sluice/dnn/encoder.h"
#include "sluice/dnn/executor.h"
#include "sluice/dnn/network.h"
#include "sluice/dnn/weights.h"

namespace sluice::dnn {

/// mlp: a residual multi-layer perceptron. tabm: TabM-mini with piecewise-linear embeddings of the numbers. embedding:
/// each category has an embedding and a layer of its own on it (a tower), for ids with many values.
enum class NetworkKind { mlp, tabm, embedding };
std::string_view to_string(NetworkKind kind);
/// Throws Error{network.kind}.
NetworkKind parse_network_kind(std::string_view name);

/// A kind of member, and the number of members.
struct MemberOptions {
  NetworkKind kind = NetworkKind::tabm;
  std::size_t count = 1;
  std::vector<std::size_t> hidden = {128, 128};
  double dropout = 0.1;  // 0 is off
  // For tabm:
  std::size_t n_paths = 16;  // trained paths
  // Paths kept after training: those whose mean does best on the validation rows; 0 keeps all.
  std::size_t n_kept = 8;
  std::size_t numeric_dimension = 8;  // of a number's embedding
  std::size_t max_bins = 24;          // of its piecewise-linear function
  // For embedding:
  std::size_t tower = 32;  // width of each category's layer
  // For every kind: whether it corrects the forest's margin, or learns from the row alone. The latter are mixed in with
  // the share that does best on the validation rows, which may be 0.
  bool residual = true;
  // For every kind: the share of codes that training reads as unseen words, so that unseen words have a trained row.
  double unseen_share = 0.02;

  /// The defaults of each kind.
  static MemberOptions of(NetworkKind kind);
  /// The default members of a network of that kind: for tabm, one residual member and one that learns from the row
  /// alone.
  static std::vector<MemberOptions> network_of(NetworkKind kind);
};

// plateau: half the rate after `plateau` epochs without an improvement
enum class Schedule { constant, cosine, plateau };

/// The precision of the matrix products in training; parameters, sums, losses and validation are float32. The CPU
/// supports bf16 too; fp16 needs a CUDA device and scales its losses (loss_scale.h).
enum class Precision { float32, bf16, fp16 };

struct TrainerOptions {
  std::vector<MemberOptions> members = MemberOptions::network_of(NetworkKind::tabm);
  double learning_rate = 2e-3;  // AdamW (Loshchilov and Hutter, 2019)
  double weight_decay = 3e-4;   // for matrices; not for biases, scales, a and b
  double clip_norm = 1.0;       // of the gradient; 0 is off
  Schedule schedule = Schedule::cosine;
  double warm_up = 1.0;  // epochs in which the rate rises from 0
  std::size_t plateau = 3;
  std::size_t batch_size = 256;
  std::size_t max_epochs = 40;
  std::size_t patience = 8;      // epochs without a better validation loss
  double positive_weight = 1.0;  // weight of rows labelled 1 in the training loss
  double outside_weight = 1.0;   // weight of rows whose margin is outside the interval below
  double margin_low = -INFINITY, margin_high = INFINITY;
  // Rows are shuffled in blocks, and blocks among one another. A pass reads n_blocks whole runs of memory, which may be
  // a mapped file, at a time.
  std::size_t block_rows = 65536;
  std::size_t n_blocks = 16;
  DeviceChoice device = Device::cpu;  // never automatic: the result depends on it
  Precision precision = Precision::float32;
  std::uint64_t seed = 1;
  std::size_t n_threads = 1;
  std::filesystem::path checkpoint;  // a folder; empty: none. Training resumes from its content
};

struct TrainingRows {
  BatchView encoded;  // [n_rows, n_encoded], as written by the encoder
  // 0 or 1; for an encoder with the margins of several classes, the class, from 0
  std::span<const float> labels;
};

/// Called after each epoch of each member, from the thread that trains it, one call at a time.
struct EpochReport {
  std::size_t member = 0, epoch = 0;
  double train_loss = 0;  // mean over the epoch's batches
  // Validation loss and AUC; for several classes, the mean AUC of each class against the rest.
  double loss = 0, auc = 0;
  double learning_rate = 0;
  bool is_best = false;
};
using OnEpoch = std::function<void(const EpochReport&)>;

struct TrainedNetwork {
  std::vector<MemberShape> shapes;
  Tensors tensors;                    // named as in network.h
  double loss_before = 0;             // validation log-loss of the forest's margin alone
  std::vector<double> losses;         // of each member at its best epoch
  std::vector<std::size_t> epochs;    // the best epoch; 0 if training never improved the loss
  std::vector<std::size_t> restarts;  // of each member: the number of restarts after a loss that was not finite
  double share_alone = 0;             // of the members that learnt from the row alone; 0: they are dropped
};

/// The loss is the negative log-likelihood, for several classes that of the softmax. It is a mean over the paths, each
/// of which learns separately. Throws Error{training.*} for empty or ill-shaped data, values that are not finite, codes
/// and labels out of range, training labels of one class, a precision that the device lacks, a checkpoint of other data
/// or options, and a loss that is still not finite after eight halvings of the rate; Error{interrupted} if `progress`
/// returns false; Error{device.unavailable} if LibTorch does not have the device.
TrainedNetwork train_network(const Encoder& encoder, const TrainingRows& train, const TrainingRows& valid,
                             const TrainerOptions& options, const Progress& progress = {},
                             const OnEpoch& on_epoch = {});

/// "1.13.1"
std::string torch_version();

}  // namespace sluice::dnn
