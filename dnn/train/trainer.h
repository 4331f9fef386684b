#pragma once
/// Trains a network (network.h) with LibTorch, on the CPU or on a CUDA device.
///
/// Residual members start exactly at the forest: a = 1, b = 0 and the heads zero, and that state is epoch 0 of early
/// stopping; the others are mixed in where that helps. So on the validation rows the result is never worse than the
/// forest. The same data, options and LibTorch give the
/// same bits, whatever the number of threads, and whether training was interrupted and resumed: every member works on
/// one thread, and each epoch's random numbers follow from seed, member and epoch alone. On a CUDA device sums are in
/// no fixed order: the same numbers are drawn, and the bits differ from run to run.

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
/// each category has an embedding and a layer of its own on it (a tower), for ids of many values.
enum class NetworkKind { mlp, tabm, embedding };
std::string_view to_string(NetworkKind kind);
/// Throws Error{network.kind}.
NetworkKind parse_network_kind(std::string_view name);

/// One kind of member, and how many of it.
struct MemberOptions {
  NetworkKind kind = NetworkKind::tabm;
  std::size_t count = 1;
  std::vector<std::size_t> hidden = {128, 128};
  double dropout = 0.1;  // 0 is off
  // Of tabm:
  std::size_t n_paths = 16;           // trained
  std::size_t n_kept = 8;             // after training: those whose mean does best on the validation rows; 0 keeps all
  std::size_t numeric_dimension = 8;  // of a number's embedding
  std::size_t max_bins = 24;          // of its piecewise-linear function
  // Of embedding:
  std::size_t tower = 32;  // width of each category's layer
  // Of every kind: whether it corrects the forest's margin, or learns from the row alone. What the latter say is mixed
  // in by the share that does best on the validation rows, which may be none.
  bool residual = true;
  // Of every kind: the share of codes that training reads as unseen words, so that those have a row that was learnt.
  double unseen_share = 0.02;

  /// What each kind starts from.
  static MemberOptions of(NetworkKind kind);
  /// What a network of that kind is made of where nothing else is said: of tabm, a residual member and one that is
  /// alone.
  static std::vector<MemberOptions> network_of(NetworkKind kind);
};

enum class Schedule { constant, cosine, plateau };  // plateau: half the rate after `plateau` epochs that bring nothing

/// Of the matrix products in training; parameters, sums, losses and validation are float32. bf16 is for the CPU too;
/// fp16, for a CUDA device, scales its losses (loss_scale.h).
enum class Precision { float32, bf16, fp16 };

struct TrainerOptions {
  std::vector<MemberOptions> members = MemberOptions::network_of(NetworkKind::tabm);
  double learning_rate = 2e-3;  // AdamW (Loshchilov and Hutter, 2019)
  double weight_decay = 3e-4;   // of matrices; biases, scales, a and b have none
  double clip_norm = 1.0;       // of the gradient; 0 is off
  Schedule schedule = Schedule::cosine;
  double warm_up = 1.0;  // epochs in which the rate rises from 0
  std::size_t plateau = 3;
  std::size_t batch_size = 256;
  std::size_t max_epochs = 40;
  std::size_t patience = 8;      // epochs without a better validation loss
  double positive_weight = 1.0;  // of rows labelled 1 in the training loss
  double outside_weight = 1.0;   // of rows whose margin lies outside the interval below
  double margin_low = -INFINITY, margin_high = INFINITY;
  std::size_t block_rows = 65536;     // rows are shuffled in blocks, and blocks among one another: a pass reads whole
  std::size_t n_blocks = 16;          // runs of memory, so many at a time, which may be a mapped file
  DeviceChoice device = Device::cpu;  // never automatic: what is learnt depends on it
  Precision precision = Precision::float32;
  std::uint64_t seed = 1;
  std::size_t n_threads = 1;
  std::filesystem::path checkpoint;  // a folder; empty: none. Training goes on from what lies there
};

struct TrainingRows {
  BatchView encoded;              // [n_rows, n_encoded], as the encoder writes them
  std::span<const float> labels;  // 0 or 1; of an encoder with the margins of several classes, the class from 0 on
};

/// After each epoch of each member, from the thread that trains it, one at a time.
struct EpochReport {
  std::size_t member = 0, epoch = 0;
  double train_loss = 0;     // mean over the epoch's batches
  double loss = 0, auc = 0;  // on the validation rows; of several classes, the mean AUC of each against the rest
  double learning_rate = 0;
  bool is_best = false;
};
using OnEpoch = std::function<void(const EpochReport&)>;

struct TrainedNetwork {
  std::vector<MemberShape> shapes;
  Tensors tensors;                    // as network.h names them
  double loss_before = 0;             // validation log-loss of the forest's margin as it is
  std::vector<double> losses;         // of each member at its best epoch
  std::vector<std::size_t> epochs;    // that epoch; 0 where training never helped
  std::vector<std::size_t> restarts;  // of each member: times its loss was not finite and it went back
  double share_alone = 0;             // of the members that learnt from the row alone; 0: they are left out
};

/// The loss is the negative log-likelihood, of several classes that of the softmax; it is a mean over the paths, each
/// of which learns alone. Throws Error{training.*} on empty or ill-shaped data, values that are not finite, codes and
/// labels out of range, training labels of one class, a precision that the device lacks, a checkpoint of other data or
/// options, and where the loss stays not finite after eight halvings of the rate; Error{interrupted} where `progress`
/// says so; Error{device.unavailable} where LibTorch does not have the device.
TrainedNetwork train_network(const Encoder& encoder, const TrainingRows& train, const TrainingRows& valid,
                             const TrainerOptions& options, const Progress& progress = {},
                             const OnEpoch& on_epoch = {});

/// "1.13.1"
std::string torch_version();

}  // namespace sluice::dnn
