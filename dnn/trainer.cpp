#include "sluice/dnn/trainer.h"

#include <dlfcn.h>
#include <torch/torch.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <numeric>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/random.h"
#include "sluice/base/thread_pool.h"

namespace sluice::dnn {
namespace {

/// OpenBLAS has threads of its own, which LibTorch's setting does not reach.
void use_one_blas_thread() {
  using SetThreads = void (*)(int);
  if (const auto set = reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) set(1);
}

torch::Tensor to_tensor(BatchView rows) {
  return torch::from_blob(const_cast<float*>(rows.data),
                          {static_cast<long>(rows.n_rows), static_cast<long>(rows.n_columns)},
                          {static_cast<long>(rows.stride), 1}, torch::kFloat32);
}

struct Rows {
  torch::Tensor dense, codes, margin, labels;

  Rows(const Encoder& encoder, const TrainingRows& rows) {
    const auto all = to_tensor(rows.encoded);
    const auto n_dense = static_cast<long>(encoder.n_dense()), n_codes = static_cast<long>(encoder.categories().size());
    dense = all.narrow(1, 0, n_dense).contiguous();
    codes = all.narrow(1, n_dense, n_codes).to(torch::kInt64).contiguous();
    margin = all.narrow(1, n_dense + n_codes, 1).contiguous();
    labels = torch::tensor(at::ArrayRef<float>(rows.labels.data(), rows.labels.size())).unsqueeze(1);
  }
  long size() const { return dense.size(0); }
};

/// One member's parameters. Not a torch::nn::Module: all randomness must come from the member's own generator.
class MemberModel {
 public:
  MemberModel(const Encoder& encoder, const TrainerOptions& options, std::uint64_t seed)
      : dropout_(options.dropout), generator_(at::make_generator<at::CPUGeneratorImpl>(seed)) {
    auto n_in = static_cast<long>(encoder.n_dense());
    for (const auto& category : encoder.categories()) {
      const auto rows = static_cast<long>(category.n_words + 2), dimension = static_cast<long>(category.dimension);
      embeddings_.push_back(parameter(torch::empty({rows, dimension}).normal_(0.0, 0.1, generator_)));
      n_in += dimension;
    }
    for (const std::size_t width : options.hidden)
      n_in = add_layer(n_in, static_cast<long>(width), std::sqrt(2.0 / static_cast<double>(n_in)));
    add_layer(n_in, 1, 0.0);
    a_ = parameter(torch::ones({1}));
    b_ = parameter(torch::zeros({1}));
  }

  torch::Tensor forward(const torch::Tensor& dense, const torch::Tensor& codes, const torch::Tensor& margin,
                        bool training) {
    std::vector<torch::Tensor> parts = {dense};
    for (std::size_t c = 0; c < embeddings_.size(); ++c)
      parts.push_back(embeddings_[c].index_select(0, codes.select(1, static_cast<long>(c))));
    torch::Tensor x = parts.size() == 1 ? dense : torch::cat(parts, 1);
    for (std::size_t l = 0; l < weights_.size(); ++l) {
      x = torch::addmm(biases_[l], x, weights_[l].t());
      if (l + 1 < weights_.size()) x = drop(torch::relu(x), training);
    }
    return a_ * margin + b_ + x;
  }

  const std::vector<torch::Tensor>& parameters() const { return parameters_; }

  /// Mean log-loss over all rows, in double and in a fixed order.
  double loss(const Rows& rows) {
    const torch::NoGradGuard no_grad;
    constexpr long kChunk = 8192;
    double sum = 0;
    for (long first = 0; first < rows.size(); first += kChunk) {
      const long n = std::min(kChunk, rows.size() - first);
      const auto z = forward(rows.dense.narrow(0, first, n), rows.codes.narrow(0, first, n),
                             rows.margin.narrow(0, first, n), false);
      sum += torch::binary_cross_entropy_with_logits(
                 z.to(torch::kFloat64), rows.labels.narrow(0, first, n).to(torch::kFloat64), {}, {}, at::Reduction::Sum)
                 .item<double>();
    }
    return sum / static_cast<double>(rows.size());
  }

  std::vector<torch::Tensor> snapshot() const {
    std::vector<torch::Tensor> copies;
    for (const auto& p : parameters_) copies.push_back(p.detach().clone());
    return copies;
  }
  void restore(const std::vector<torch::Tensor>& copies) {
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < copies.size(); ++i) parameters_[i].copy_(copies[i]);
  }

  void store(Tensors& tensors, const std::string& name) const {
    put(tensors, name + ".a", a_);
    put(tensors, name + ".b", b_);
    for (std::size_t c = 0; c < embeddings_.size(); ++c)
      put(tensors, name + ".embedding." + std::to_string(c), embeddings_[c]);
    for (std::size_t l = 0; l < weights_.size(); ++l) {
      put(tensors, name + ".layer." + std::to_string(l) + ".weight", weights_[l]);
      put(tensors, name + ".layer." + std::to_string(l) + ".bias", biases_[l]);
    }
  }

 private:
  torch::Tensor parameter(torch::Tensor value) {
    value.requires_grad_(true);
    parameters_.push_back(value);
    return value;
  }
  long add_layer(long n_in, long n_out, double deviation) {
    auto weight = torch::zeros({n_out, n_in});
    if (deviation > 0) weight.normal_(0.0, deviation, generator_);
    weights_.push_back(parameter(weight));
    biases_.push_back(parameter(torch::zeros({n_out})));
    return n_out;
  }
  torch::Tensor drop(const torch::Tensor& x, bool training) {
    if (!training || dropout_ <= 0) return x;
    return x * torch::empty_like(x).bernoulli_(1 - dropout_, generator_) * (1 / (1 - dropout_));
  }
  static void put(Tensors& tensors, const std::string& name, const torch::Tensor& tensor) {
    const auto flat = tensor.detach().contiguous();
    Tensor& out = tensors[name];
    out.shape.assign(flat.sizes().begin(), flat.sizes().end());
    out.values.assign(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
  }

  double dropout_;
  at::Generator generator_;
  std::vector<torch::Tensor> embeddings_, weights_, biases_, parameters_;
  torch::Tensor a_, b_;
};

struct MemberResult {
  double loss = 0;
  std::size_t epoch = 0;
};

void train_epoch(MemberModel& model, torch::optim::Optimizer& optimizer, const Rows& train,
                 const std::vector<long>& order, const TrainerOptions& options) {
  for (std::size_t first = 0; first < order.size(); first += options.batch_size) {
    const std::size_t n = std::min(options.batch_size, order.size() - first);
    const auto rows = torch::tensor(at::ArrayRef<long>(order.data() + first, n), torch::kInt64);
    const auto z = model.forward(train.dense.index_select(0, rows), train.codes.index_select(0, rows),
                                 train.margin.index_select(0, rows), true);
    const auto loss = torch::binary_cross_entropy_with_logits(z, train.labels.index_select(0, rows));
    optimizer.zero_grad();
    loss.backward();
    if (options.clip_norm > 0) torch::nn::utils::clip_grad_norm_(model.parameters(), options.clip_norm);
    optimizer.step();
  }
}

/// Trains to the best epoch on the validation rows and leaves the model there. `tick` is called after each epoch and
/// says false to stop.
MemberResult train_member(MemberModel& model, const Rows& train, const Rows& valid, const TrainerOptions& options,
                          std::uint64_t seed, const std::function<bool()>& tick) {
  torch::optim::AdamW optimizer(model.parameters(),
                                torch::optim::AdamWOptions(options.learning_rate).weight_decay(options.weight_decay));
  std::vector<long> order(static_cast<std::size_t>(train.size()));
  std::iota(order.begin(), order.end(), 0L);
  Random random(seed, 1);
  MemberResult best{model.loss(valid), 0};
  auto best_state = model.snapshot();
  for (std::size_t epoch = 1; epoch <= options.max_epochs && epoch - best.epoch <= options.patience; ++epoch) {
    random.shuffle(order);
    train_epoch(model, optimizer, train, order, options);
    const double loss = model.loss(valid);
    if (!std::isfinite(loss))
      throw Error("training.diverged", "the network's loss is not finite after epoch " + std::to_string(epoch),
                  "take a smaller network.learning_rate");
    if (loss < best.loss) {
      best = {loss, epoch};
      best_state = model.snapshot();
    }
    if (!tick()) break;
  }
  model.restore(best_state);
  return best;
}

void check(const Encoder& encoder, const TrainingRows& rows, const char* which) {
  if (rows.encoded.n_rows == 0 || rows.encoded.n_rows != rows.labels.size() ||
      rows.encoded.n_columns != encoder.n_encoded())
    throw Error("training.shape", std::string("the network's ") + which + " rows are empty or do not fit the encoder");
}

}  // namespace

TrainedNetwork train_network(const Encoder& encoder, const TrainingRows& train_rows, const TrainingRows& valid_rows,
                             const TrainerOptions& options, const Progress& progress) {
  check(encoder, train_rows, "training");
  check(encoder, valid_rows, "validation");
  at::set_num_threads(1);
  use_one_blas_thread();
  const Rows train(encoder, train_rows), valid(encoder, valid_rows);
  TrainedNetwork result;
  result.losses.resize(options.n_members);
  result.epochs.resize(options.n_members);
  std::vector<Tensors> stored(options.n_members);
  std::atomic<std::uint64_t> epochs_done = 0;
  std::atomic<bool> stopped = false;
  const std::uint64_t n_epochs = options.n_members * options.max_epochs;
  std::mutex reporting;  // callbacks need not be thread-safe
  ThreadPool pool(std::min(options.n_threads, options.n_members));
  pool.run(options.n_members, [&](std::size_t k) {
    at::set_num_threads(1);
    const std::uint64_t seed = mix64(options.seed * 1000 + k);
    MemberModel model(encoder, options, seed);
    if (k == 0) result.loss_before = model.loss(valid);
    const auto tick = [&] {
      const auto done = ++epochs_done;
      const std::lock_guard lock(reporting);
      if (progress && !progress("network", done, n_epochs)) stopped = true;
      return !stopped;
    };
    const MemberResult best = train_member(model, train, valid, options, seed, tick);
    result.losses[k] = best.loss;
    result.epochs[k] = best.epoch;
    model.store(stored[k], "member." + std::to_string(k));
  });
  if (stopped) throw Error("interrupted", "stopped on request; nothing was written");
  for (auto& tensors : stored) result.tensors.merge(tensors);
  return result;
}

std::string torch_version() { return TORCH_VERSION; }

}  // namespace sluice::dnn
