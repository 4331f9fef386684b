#include "sluice/dnn/train/trainer.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <atomic>
#include <mutex>
#include <utility>

#include "sluice/base/digest.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/random.h"
#include "sluice/base/thread_pool.h"
#include "sluice/dnn/train/member_mix.h"
#include "sluice/dnn/train/member_training.h"
#include "sluice/dnn/train/mixed_precision.h"
#include "sluice/dnn/train/trainer_checks.h"

namespace sluice::dnn {
namespace {

/// OpenBLAS has threads of its own, which LibTorch's setting does not affect.
void use_one_blas_thread() {
  using SetThreads = void (*)(int);
  if (const auto set = reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) set(1);
}

/// Combines the members in `result`; dropped members lose their shape.
void join(const std::vector<MemberOptions>& members, std::vector<Tensors> stored,
          const std::vector<std::vector<double>>& margins, const Encoder& encoder, const TrainingRows& valid,
          TrainedNetwork& result) {
  std::vector<bool> residual;
  for (const MemberOptions& m : members) residual.push_back(m.residual);
  std::vector<double> forest;
  for (std::size_t i = 0; i < valid.encoded.n_rows; ++i)
    forest.push_back(valid.encoded.row(i)[encoder.n_encoded() - 1]);
  const MemberMix mix = choose_mix(margins, residual, forest, valid.labels);
  result.share_alone = mix.share_alone;
  std::vector<MemberShape> kept;
  for (std::size_t k = 0; k < members.size(); ++k) {
    if (mix.factors[k] == 0 && mix.forest == 0) continue;
    const std::string from = "member." + std::to_string(k), to = "member." + std::to_string(kept.size());
    if (mix.factors[k] != 1 || mix.forest != 0) scale_member(stored[k], from, mix.factors[k], mix.forest);
    for (auto& [name, tensor] : stored[k]) result.tensors[to + name.substr(from.size())] = std::move(tensor);
    kept.push_back(std::move(result.shapes[k]));
  }
  result.shapes = std::move(kept);
}

/// One entry per member, in order.
std::vector<MemberOptions> expand(const std::vector<MemberOptions>& members) {
  std::vector<MemberOptions> out;
  for (const MemberOptions& m : members) out.insert(out.end(), m.count, m);
  return out;
}

/// A digest of everything that a resumed training must share with the first; of long data, rows spread over it.
std::string digest_of(const TrainingRows& train, const TrainingRows& valid, const TrainerOptions& o,
                      const MemberOptions& m, std::size_t n_margins, std::uint64_t seed) {
  Hasher hasher;
  const auto add = [&](auto value) { hasher.update({reinterpret_cast<const char*>(&value), sizeof value}); };
  for (const TrainingRows* rows : {&train, &valid}) {
    const std::size_t n = rows->encoded.n_rows, step = n / 4096 + 1;
    add(n);
    for (std::size_t i = 0; i < n; i += step) {
      const auto row = rows->encoded.row(i);
      hasher.update({reinterpret_cast<const char*>(row.data()), row.size_bytes()});
      add(rows->labels[i]);
    }
  }
  for (const std::size_t width : m.hidden) add(width);
  for (const std::size_t x : {m.hidden.size(), static_cast<std::size_t>(m.residual), m.n_paths, m.numeric_dimension,
                              m.max_bins, m.tower, o.plateau, o.batch_size, o.max_epochs, o.block_rows, o.n_blocks,
                              static_cast<std::size_t>(m.kind), static_cast<std::size_t>(o.schedule)})
    add(x);
  for (const double x : {m.dropout, m.unseen_share, o.learning_rate, o.weight_decay, o.clip_norm, o.warm_up,
                         o.positive_weight, o.outside_weight, o.margin_low, o.margin_high})
    add(x);
  add(n_margins);
  add(static_cast<std::size_t>(o.device.kind));
  add(static_cast<std::size_t>(o.precision));
  add(seed);
  return hasher.finish().hex();
}

}  // namespace

TrainedNetwork train_network(const Encoder& encoder, const TrainingRows& train, const TrainingRows& valid,
                             const TrainerOptions& options, const Progress& progress, const OnEpoch& on_epoch) {
  check_training(encoder, train, valid, options);
  const torch::Device device = training_device(options);
  at::set_num_threads(1);
  use_one_blas_thread();
  const auto members = expand(options.members);
  const std::size_t n = members.size();
  TrainedNetwork result;
  result.shapes.resize(n);
  result.losses.resize(n);
  result.epochs.resize(n);
  result.restarts.resize(n);
  std::vector<Tensors> stored(n);
  std::vector<std::vector<double>> margins(n);
  std::atomic<std::uint64_t> epochs_done = 0;
  std::atomic<bool> stopped = false;
  std::mutex reporting;  // callbacks need not be thread-safe
  if (!options.checkpoint.empty()) std::filesystem::create_directories(options.checkpoint);
  ThreadPool pool(std::min(options.n_threads, n));
  pool.run(n, [&](std::size_t k) {
    at::set_num_threads(1);
    const std::uint64_t seed = mix64(options.seed * 1000 + k);
    const std::string name = "member." + std::to_string(k);
    MemberTraining training(encoder, train, valid, options, members[k], device, seed);
    const auto file = options.checkpoint / (name + ".checkpoint");
    const std::string digest =
        options.checkpoint.empty() ? "" : digest_of(train, valid, options, members[k], encoder.n_margins(), seed);
    if (!options.checkpoint.empty() && std::filesystem::exists(file))
      training.resume(TrainingState::from_bytes(read_file(file), digest, file.string()));
    while (!training.is_done() && !stopped) {
      EpochReport report = training.run_epoch();
      if (!options.checkpoint.empty()) write_file(file, training.state().to_bytes(digest));
      report.member = k;
      const std::lock_guard lock(reporting);
      if (on_epoch) on_epoch(report);
      if (progress && !progress("network", ++epochs_done, n * options.max_epochs)) stopped = true;
    }
    if (k == 0) result.loss_before = training.loss_before();
    result.losses[k] = training.state().best_loss;
    result.epochs[k] = training.state().best_epoch;
    result.restarts[k] = training.state().n_restarts;
    result.shapes[k] = training.store(stored[k], name, margins[k]);
  });
  if (stopped) throw Error("interrupted", "stopped on request; the output was not written");
  join(members, std::move(stored), margins, encoder, valid, result);
  return result;
}

std::string torch_version() { return TORCH_VERSION; }

}  // namespace sluice::dnn
