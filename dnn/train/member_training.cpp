#include "sluice/dnn/train/member_training.h"

#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/random.h"
#include "sluice/dnn/train/epoch_order.h"
#include "sluice/dnn/train/mixed_precision.h"
#include "sluice/dnn/train/training_loss.h"

namespace sluice::dnn {
namespace {

constexpr std::size_t kMaxRestarts = 8;

/// The log-odds of the labels' mean, within (-7, 7).
double log_odds_of(std::span<const float> labels) {
  const double n = static_cast<double>(labels.size()), n_positive = std::accumulate(labels.begin(), labels.end(), 0.0);
  return std::clamp(std::log((n_positive + 0.5) / (n - n_positive + 0.5)), -7.0, 7.0);
}

std::vector<double> mean_over_paths(const torch::Tensor& margins) {
  const auto mean = margins.mean(1).contiguous();
  return {mean.data_ptr<double>(), mean.data_ptr<double>() + mean.numel()};
}

}  // namespace

ModelBatch take_batch(const Encoder& encoder, const TrainingRows& rows, std::span<const std::size_t> which) {
  const auto n = static_cast<long>(which.size()), n_dense = static_cast<long>(encoder.n_dense()),
             n_codes = static_cast<long>(encoder.categories().size()),
             n_outputs = static_cast<long>(encoder.n_margins());
  ModelBatch batch{torch::empty({n, n_dense}), torch::empty({n, n_codes}, torch::kInt64), torch::empty({n, n_outputs}),
                   torch::empty({n, 1})};
  float *dense = batch.dense.data_ptr<float>(), *margin = batch.margin.data_ptr<float>(),
        *labels = batch.labels.data_ptr<float>();
  long* codes = batch.codes.data_ptr<long>();
  for (const std::size_t i : which) {
    const auto row = rows.encoded.row(i);
    const float* from = row.data();
    dense = std::copy_n(from, n_dense, dense);
    for (long c = 0; c < n_codes; ++c) *codes++ = static_cast<long>(from[n_dense + c]);
    margin = std::copy_n(from + n_dense + n_codes, n_outputs, margin);
    *labels++ = rows.labels[i];
  }
  return batch;
}

std::vector<std::size_t> choose_paths(const torch::Tensor& margins, std::span<const float> labels, std::size_t n) {
  const auto n_paths = static_cast<std::size_t>(margins.size(1));
  const auto by_path = margins.transpose(0, 1).contiguous();
  const std::size_t size = static_cast<std::size_t>(by_path.numel()) / n_paths;
  const auto path = [&](std::size_t k) { return std::span(by_path.data_ptr<double>() + k * size, size); };
  std::vector<std::size_t> chosen;
  std::vector<double> sums(size, 0.0), means(size);
  while (chosen.size() < n) {
    double best_loss = std::numeric_limits<double>::infinity();
    std::size_t best = n_paths;
    for (std::size_t k = 0; k < n_paths; ++k) {
      if (std::find(chosen.begin(), chosen.end(), k) != chosen.end()) continue;
      for (std::size_t i = 0; i < size; ++i) means[i] = (sums[i] + path(k)[i]) / static_cast<double>(chosen.size() + 1);
      if (const double loss = mean_loss(means, labels); loss < best_loss) best_loss = loss, best = k;
    }
    if (best == n_paths) break;
    chosen.push_back(best);
    for (std::size_t i = 0; i < size; ++i) sums[i] += path(best)[i];
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

MemberTraining::MemberTraining(const Encoder& encoder, const TrainingRows& train, const TrainingRows& valid,
                               const TrainerOptions& options, const MemberOptions& member, torch::Device device,
                               std::uint64_t seed)
    : encoder_(encoder),
      train_(train),
      valid_(valid),
      options_(options),
      member_(member),
      device_(device),
      seed_(seed),
      model_(encoder, member,
             member.kind == NetworkKind::tabm ? find_bin_edges(encoder, train, member.max_bins) : BinEdges{},
             member.residual ? 0 : log_odds_of(train.labels), device, seed) {
  moments_ = torch::zeros_like(model_.parameters());
  squares_ = torch::zeros_like(model_.parameters());
  std::vector<double> forest;
  for (std::size_t i = 0; i < valid.encoded.n_rows; ++i)
    for (const float margin : valid.encoded.row(i).last(encoder.n_margins())) forest.push_back(margin);
  loss_before_ = mean_loss(forest, valid.labels);
  state_.best_loss = member.residual ? loss_before_ : INFINITY;
  state_.parameters = model_.parameters().clone();
  state_.best_parameters = state_.parameters;
  state_.moments = moments_.clone();
  state_.squares = squares_.clone();
}

void MemberTraining::resume(TrainingState state) {
  if (state.parameters.numel() != model_.parameters().numel())
    throw Error("training.checkpoint", "the checkpoint belongs to a network of another size");
  state_ = std::move(state);
  const torch::NoGradGuard no_grad;
  model_.parameters().copy_(state_.parameters);
  moments_.copy_(state_.moments);
  squares_.copy_(state_.squares);
}

bool MemberTraining::is_done() const {
  return state_.epoch >= options_.max_epochs || state_.epoch - state_.best_epoch >= options_.patience;
}

double MemberTraining::rate_at(std::size_t epoch, std::uint64_t step) const {
  const auto batches = static_cast<double>((train_.encoded.n_rows + options_.batch_size - 1) / options_.batch_size);
  double rate = options_.learning_rate * state_.rate_share;
  const double warm_steps = options_.warm_up * batches;
  if (warm_steps > 0) rate *= std::min(1.0, static_cast<double>(step + 1) / warm_steps);
  if (options_.schedule == Schedule::cosine)
    rate *=
        0.5 * (1 + std::cos(std::numbers::pi * static_cast<double>(epoch) / static_cast<double>(options_.max_epochs)));
  return rate;
}

void MemberTraining::take_step(double rate) {
  constexpr double kFirst = 0.9, kSecond = 0.999, kTiny = 1e-8;
  const torch::NoGradGuard no_grad;
  auto &parameters = model_.parameters(), &gradients = model_.gradients();
  if (options_.clip_norm > 0)
    if (const double norm = gradients.norm().item<double>(); norm > options_.clip_norm)
      gradients.mul_(options_.clip_norm / norm);
  const auto t = static_cast<double>(++state_.step);
  parameters.sub_(model_.decays() * parameters, rate * options_.weight_decay);
  moments_.mul_(kFirst).add_(gradients, 1 - kFirst);
  squares_.mul_(kSecond).addcmul_(gradients, gradients, 1 - kSecond);
  const double scale = std::sqrt(1 - std::pow(kSecond, t));
  parameters.addcdiv_(moments_, squares_.sqrt().div_(scale).add_(kTiny), -rate / (1 - std::pow(kFirst, t)));
}

torch::Tensor MemberTraining::loss_of_batch(const ModelBatch& batch, Random& random) const {
  const Autocast autocast(options_.precision, device_);
  const auto losses = losses_of(model_.forward(batch, &random), batch.labels.to(device_));
  if (options_.outside_weight == 1.0 && options_.positive_weight == 1.0) return losses.mean();
  const auto inside = (batch.margin >= options_.margin_low).logical_and(batch.margin <= options_.margin_high);
  const auto weights = (inside.to(torch::kFloat32) * (1 - options_.outside_weight) + options_.outside_weight) *
                       (batch.labels * (options_.positive_weight - 1) + 1);
  return (losses * weights.to(device_)).mean();
}

/// Returns whether to take the step.
bool MemberTraining::find_gradients(const torch::Tensor& loss) {
  model_.gradients().zero_();
  if (options_.precision != Precision::fp16) {
    loss.backward();
    return true;
  }
  const double factor = state_.loss_scale.factor;
  (loss * factor).backward();
  model_.gradients().div_(factor);
  return state_.loss_scale.accept(torch::isfinite(model_.gradients()).all().item<bool>());
}

double MemberTraining::train_epoch(double& rate) {
  const std::uint64_t seed = mix64(seed_ + 0x100000 * (state_.epoch + 1) + state_.n_restarts);
  Random random(seed, 3);
  const auto order = epoch_order(train_.encoded.n_rows, options_.block_rows, options_.n_blocks, seed);
  double sum = 0;
  for (std::size_t first = 0; first < order.size(); first += options_.batch_size) {
    const std::size_t n = std::min(options_.batch_size, order.size() - first);
    const auto loss = loss_of_batch(take_batch(encoder_, train_, {order.data() + first, n}), random);
    rate = rate_at(state_.epoch, state_.step);
    if (find_gradients(loss)) take_step(rate);
    sum += loss.item<double>() * static_cast<double>(n);
    if (!std::isfinite(sum)) break;
  }
  return sum / static_cast<double>(order.size());
}

EpochReport MemberTraining::run_epoch() {
  EpochReport report;
  for (;;) {
    const std::uint64_t step = state_.step;
    report.train_loss = train_epoch(report.learning_rate);
    const auto z = mean_over_paths(margins(valid_));
    report.loss = mean_loss(z, valid_.labels);
    report.auc = mean_auc(z, valid_.labels);
    if (std::isfinite(report.train_loss) && std::isfinite(report.loss)) break;
    if (++state_.n_restarts > kMaxRestarts)
      throw Error("training.diverged",
                  "the network's loss is not finite in epoch " + std::to_string(state_.epoch + 1) + ", after " +
                      std::to_string(kMaxRestarts) + " halvings of the learning rate",
                  "check the data for values that are not finite, or use a smaller network.learning_rate");
    state_.step = step;
    state_.rate_share *= 0.5;
    resume(state_);
  }
  report.epoch = ++state_.epoch;
  state_.parameters = model_.parameters().clone();
  state_.moments = moments_.clone();
  state_.squares = squares_.clone();
  if (report.loss < state_.best_loss) {
    report.is_best = true;
    state_.best_loss = report.loss;
    state_.best_epoch = state_.last_cut = state_.epoch;
    state_.best_parameters = state_.parameters;
  } else if (options_.schedule == Schedule::plateau && state_.epoch - state_.last_cut >= options_.plateau) {
    state_.rate_share *= 0.5;
    state_.last_cut = state_.epoch;
  }
  return report;
}

torch::Tensor MemberTraining::margins(const TrainingRows& rows) const {
  const torch::NoGradGuard no_grad;
  constexpr std::size_t kChunk = 2048;
  std::vector<torch::Tensor> parts;
  std::vector<std::size_t> which;
  for (std::size_t first = 0; first < rows.encoded.n_rows; first += kChunk) {
    which.resize(std::min(kChunk, rows.encoded.n_rows - first));
    std::iota(which.begin(), which.end(), first);
    parts.push_back(model_.forward(take_batch(encoder_, rows, which), nullptr).to(torch::kCPU, torch::kFloat64));
  }
  return torch::cat(parts, 0);
}

MemberShape MemberTraining::store(Tensors& tensors, const std::string& name, std::vector<double>& valid_margins) {
  const torch::NoGradGuard no_grad;
  model_.parameters().copy_(state_.best_parameters);
  std::vector<std::size_t> paths(model_.n_paths());
  std::iota(paths.begin(), paths.end(), std::size_t{0});
  const auto all = margins(valid_);
  if (member_.n_kept > 0 && member_.n_kept < paths.size()) paths = choose_paths(all, valid_.labels, member_.n_kept);
  const std::vector<long> indices(paths.begin(), paths.end());
  valid_margins = mean_over_paths(all.index_select(1, torch::tensor(indices, torch::kInt64)));
  return model_.store(tensors, name, paths);
}

}  // namespace sluice::dnn
