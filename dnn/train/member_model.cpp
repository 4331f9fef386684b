#include "sluice/dnn/train/member_model.h"

#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace sluice::dnn {
namespace {

torch::Tensor normal(std::vector<long> shape, double deviation, Random& random) {
  auto out = torch::empty(shape);
  float* data = out.data_ptr<float>();
  for (long i = 0; i < out.numel(); ++i) data[i] = static_cast<float>(random.normal() * deviation);
  return out;
}

torch::Tensor uniform(std::vector<long> shape, double bound, Random& random) {
  auto out = torch::empty(shape);
  float* data = out.data_ptr<float>();
  for (long i = 0; i < out.numel(); ++i) data[i] = static_cast<float>(random.uniform(-bound, bound));
  return out;
}

void put(Tensors& tensors, const std::string& name, const torch::Tensor& tensor) {
  const auto flat = tensor.detach().to(torch::kCPU).contiguous();
  Tensor& out = tensors[name];
  out.shape.assign(flat.sizes().begin(), flat.sizes().end());
  out.values.assign(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
}

/// Distinct values if there are few, otherwise distinct quantiles.
std::vector<float> edges_of(std::vector<float> values, std::size_t max_bins) {
  std::sort(values.begin(), values.end());
  std::vector<float> distinct = values;
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<float> edges;
  if (distinct.size() <= max_bins + 1) {
    edges = distinct;
  } else {
    for (std::size_t k = 0; k <= max_bins; ++k) {
      const float value = values[k * (values.size() - 1) / max_bins];
      if (edges.empty() || value > edges.back()) edges.push_back(value);
    }
  }
  if (edges.empty()) edges.push_back(0.0f);
  if (edges.size() == 1) edges.push_back(edges[0] + std::max(1.0f, std::abs(edges[0])));
  return edges;
}

}  // namespace

BinEdges find_bin_edges(const Encoder& encoder, const TrainingRows& rows, std::size_t max_bins) {
  constexpr std::size_t kMax = 200000;  // rows that are read, spread over all rows
  const std::size_t n = std::min(rows.encoded.n_rows, kMax);
  BinEdges out;
  std::vector<float> values(n);
  for (std::size_t i = 0; i < encoder.n_dense(); ++i) {
    for (std::size_t k = 0; k < n; ++k) values[k] = rows.encoded.row(k * rows.encoded.n_rows / n)[i];
    out.push_back(edges_of(values, max_bins));
  }
  return out;
}

MemberModel::MemberModel(const Encoder& encoder, const MemberOptions& options, const BinEdges& edges, double start,
                         torch::Device device, std::uint64_t seed)
    : options_(options),
      device_(device),
      n_paths_(options.kind == NetworkKind::tabm ? options.n_paths : 1),
      n_outputs_(encoder.n_margins()) {
  Random random(seed, 2);
  n_unread_ = options.residual ? 0 : static_cast<long>(encoder.n_forest_inputs());
  n_own_ = static_cast<long>(encoder.n_dense()) - n_unread_;
  long n_in = n_own_;
  if (options.kind == NetworkKind::tabm && options.numeric_dimension > 0) {
    add_numeric({edges.begin(), edges.begin() + n_own_}, random);
    n_in *= static_cast<long>(options.numeric_dimension);
  }
  n_in += add_categories(encoder, random);
  add_trunk(n_in, start, random);
  lay_flat();
}

void MemberModel::add(torch::Tensor& field, torch::Tensor value, bool has_decay) {
  added_.push_back({&field, std::move(value), has_decay});
}

void MemberModel::lay_flat() {
  long size = 0;
  for (const auto& p : added_) size += p.value.numel();
  flat_ = torch::empty({size}, device_);
  gradients_ = torch::zeros({size}, device_);
  decays_ = torch::zeros({size}, device_);
  long at = 0;
  for (auto& p : added_) {
    const long n = p.value.numel();
    flat_.narrow(0, at, n).copy_(p.value.reshape({-1}));
    decays_.narrow(0, at, n).fill_(p.has_decay ? 1.0f : 0.0f);
    *p.field = flat_.narrow(0, at, n).view(p.value.sizes());
    p.field->requires_grad_(true);
    p.field->mutable_grad() = gradients_.narrow(0, at, n).view(p.value.sizes());
    at += n;
  }
  added_.clear();
}

void MemberModel::add_numeric(const BinEdges& edges, Random& random) {
  edges_ = edges;
  std::size_t n_bins = 0;
  for (const auto& e : edges) n_bins = std::max(n_bins, e.size() - 1);
  const auto n = static_cast<long>(edges.size()), bins = static_cast<long>(n_bins),
             d = static_cast<long>(options_.numeric_dimension);
  edge_ = torch::zeros({n, bins});
  inverse_width_ = torch::zeros({n, bins});
  lowest_ = torch::zeros({n, bins});
  highest_ = torch::zeros({n, bins});  // bins that an input does not have are clamped to 0
  for (long i = 0; i < n; ++i) {
    const auto& e = edges[static_cast<std::size_t>(i)];
    const auto own = static_cast<long>(e.size()) - 1;
    for (long k = 0; k < own; ++k) {
      const auto low = e[static_cast<std::size_t>(k)], high = e[static_cast<std::size_t>(k) + 1];
      edge_[i][k] = low;
      inverse_width_[i][k] = 1.0f / (high - low);
      lowest_[i][k] = k == 0 ? -INFINITY : 0.0f;
      highest_[i][k] = k == own - 1 ? INFINITY : 1.0f;
    }
  }
  for (auto* tensor : {&edge_, &inverse_width_, &lowest_, &highest_}) *tensor = tensor->to(device_);
  const double bound = 1 / std::sqrt(static_cast<double>(d));
  add(linear_, uniform({n, d}, bound, random), true);
  add(linear_bias_, uniform({n, d}, bound, random), false);
  add(steps_, torch::zeros({n, bins, d}), true);
}

long MemberModel::add_categories(const Encoder& encoder, Random& random) {
  const std::size_t n = encoder.categories().size();
  const bool has_towers = options_.kind == NetworkKind::embedding;
  embeddings_.resize(n);
  towers_.resize(has_towers ? n : 0);
  tower_biases_.resize(has_towers ? n : 0);
  long n_inputs = 0;
  for (std::size_t c = 0; c < n; ++c) {
    const std::size_t n_words = encoder.categories()[c].n_words;
    const auto dimension = static_cast<long>(std::min<std::size_t>(has_towers ? 32 : 16, 2 + n_words / 2));
    add(embeddings_[c], normal({static_cast<long>(n_words) + 2, dimension}, 0.1, random), true);
    if (has_towers) {
      const auto width = static_cast<long>(options_.tower);
      add(towers_[c], normal({width, dimension}, std::sqrt(2.0 / static_cast<double>(dimension)), random), true);
      add(tower_biases_[c], torch::zeros({width}), false);
    }
    n_inputs += has_towers ? static_cast<long>(options_.tower) : dimension;
  }
  return n_inputs;
}

void MemberModel::add_trunk(long n_in, double start, Random& random) {
  const auto paths = static_cast<long>(n_paths_), outputs = static_cast<long>(n_outputs_);
  const bool is_tabm = options_.kind == NetworkKind::tabm;
  if (paths > 1) {
    // The paths must differ before the first layer mixes them: one number per path and input, shared by an input's
    // embedding.
    auto scale = normal({paths, n_in}, 1.0, random);
    const auto d = static_cast<long>(options_.numeric_dimension);
    for (long i = 0; d > 0 && i < static_cast<long>(edges_.size()); ++i)
      scale.narrow(1, i * d, d).copy_(scale.narrow(1, i * d, 1).clone().expand({paths, d}));
    add(scale_, scale, false);
  }
  weights_.resize(options_.hidden.size());
  biases_.resize(options_.hidden.size());
  for (std::size_t l = 0; l < options_.hidden.size(); ++l) {
    const auto width = static_cast<long>(options_.hidden[l]);
    const double root = std::sqrt(1 / static_cast<double>(n_in));
    add(weights_[l],
        is_tabm ? uniform({width, n_in}, root, random) : normal({width, n_in}, std::sqrt(2.0) * root, random), true);
    add(biases_[l], is_tabm ? uniform({width}, root, random) : torch::zeros({width}), false);
    n_in = width;
  }
  add(head_, torch::zeros({paths, outputs, n_in}), true);
  add(head_bias_, torch::zeros({paths, outputs}), false);
  add(a_, torch::full({paths, outputs}, options_.residual ? 1.0 : 0.0), false);
  add(b_, torch::full({paths, outputs}, start), false);
}

torch::Tensor MemberModel::numeric_inputs(const torch::Tensor& dense) const {
  const auto position = ((dense.unsqueeze(2) - edge_) * inverse_width_).clamp(lowest_, highest_);  // [n, inputs, bins]
  const auto pieces = torch::bmm(position.permute({1, 0, 2}), steps_).permute({1, 0, 2});          // [n, inputs, d]
  return (pieces + dense.unsqueeze(2) * linear_ + linear_bias_).reshape({dense.size(0), -1});
}

torch::Tensor MemberModel::inputs(const ModelBatch& batch, Random* random) const {
  const auto dense = own_dense(batch.dense).to(device_);
  std::vector<torch::Tensor> parts = {edges_.empty() ? dense : numeric_inputs(dense)};
  for (std::size_t c = 0; c < embeddings_.size(); ++c) {
    auto codes = batch.codes.select(1, static_cast<long>(c));
    if (random != nullptr && options_.unseen_share > 0) {
      codes = codes.clone();
      for (long i = 0; i < codes.size(0); ++i)
        if (random->uniform() < options_.unseen_share) codes.data_ptr<long>()[i] = embeddings_[c].size(0) - 2;
    }
    auto x = embeddings_[c].index_select(0, codes.to(device_));
    if (!towers_.empty()) x = torch::relu(torch::addmm(tower_biases_[c], x, towers_[c].t()));
    parts.push_back(x);
  }
  return parts.size() == 1 ? parts[0] : torch::cat(parts, 1);
}

torch::Tensor MemberModel::drop(const torch::Tensor& x, Random* random) const {
  if (random == nullptr || options_.dropout <= 0) return x;
  const auto threshold = static_cast<std::uint64_t>(options_.dropout * 65536);
  const auto kept = static_cast<float>(65536.0 / static_cast<double>(65536 - threshold));
  auto mask = torch::empty(x.sizes());
  float* data = mask.data_ptr<float>();
  const long n = mask.numel();
  for (long i = 0; i < n; i += 4) {  // 16 random bits per element
    std::uint64_t bits = random->next();
    for (long k = i; k < std::min(i + 4, n); ++k, bits >>= 16) data[k] = (bits & 0xffff) < threshold ? 0.0f : kept;
  }
  return x * mask.to(device_);
}

torch::Tensor MemberModel::forward(const ModelBatch& batch, Random* random) const {
  const auto n = batch.dense.size(0), paths = static_cast<long>(n_paths_);
  torch::Tensor x = inputs(batch, random);
  if (paths > 1) x = (x.unsqueeze(1) * scale_).reshape({n * paths, -1});
  for (std::size_t l = 0; l < weights_.size(); ++l)
    x = drop(torch::relu(torch::addmm(biases_[l], x, weights_[l].t())), random);
  const auto head = (x.view({n, paths, 1, -1}) * head_).sum(3) + head_bias_;
  return options_.residual ? a_ * batch.margin.to(device_).unsqueeze(1) + b_ + head : b_ + head;
}

void MemberModel::store_numeric(Tensors& tensors, const std::string& name, MemberShape& shape) const {
  const std::size_t d = options_.numeric_dimension;
  shape.numeric_dimension = d;
  Tensor edges, at, slope;
  const auto cpu = [](const torch::Tensor& tensor) { return tensor.detach().to(torch::kCPU); };
  const auto linear = cpu(linear_), bias = cpu(linear_bias_), steps = cpu(steps_);
  for (std::size_t i = 0; i < edges_.size(); ++i) {
    const std::size_t n_bins = edges_[i].size() - 1;
    shape.n_bins.push_back(n_bins);
    const auto row = static_cast<long>(i);
    std::vector<double> before(d, 0.0);  // the steps of the bins below
    for (std::size_t k = 0; k < n_bins; ++k) {
      const double low = edges_[i][k], width = static_cast<double>(edges_[i][k + 1]) - low;
      edges.values.push_back(edges_[i][k]);
      for (std::size_t j = 0; j < d; ++j) {
        const auto column = static_cast<long>(j);
        const double line = linear[row][column].item<double>(),
                     step = steps[row][static_cast<long>(k)][column].item<double>();
        at.values.push_back(static_cast<float>(line * low + bias[row][column].item<double>() + before[j]));
        slope.values.push_back(static_cast<float>(line + step / width));
        before[j] += step;
      }
    }
  }
  for (long i = 0; i < n_unread_; ++i) {
    shape.n_bins.push_back(1);
    edges.values.push_back(0);
    at.values.insert(at.values.end(), d, 0.0f);
    slope.values.insert(slope.values.end(), d, 0.0f);
  }
  edges.shape = {edges.values.size()};
  at.shape = slope.shape = {edges.values.size(), d};
  tensors[name + ".edges"] = std::move(edges);
  tensors[name + ".at"] = std::move(at);
  tensors[name + ".slope"] = std::move(slope);
}

/// `columns` over this member's inputs, with `value` for the stored network's inputs that it does not read.
torch::Tensor MemberModel::with_unread(const torch::Tensor& columns, float value) const {
  const long d = edges_.empty() ? 1 : static_cast<long>(options_.numeric_dimension), own = n_own_ * d;
  return torch::cat({columns.narrow(1, 0, own), torch::full({columns.size(0), n_unread_ * d}, value, columns.options()),
                     columns.narrow(1, own, columns.size(1) - own)},
                    1);
}

MemberShape MemberModel::store(Tensors& tensors, const std::string& name, const std::vector<std::size_t>& paths) const {
  const torch::NoGradGuard no_grad;
  MemberShape shape;
  shape.hidden = options_.hidden;
  shape.n_paths = paths.size();
  const std::vector<long> indices(paths.begin(), paths.end());
  const auto chosen = torch::tensor(indices, torch::kInt64).to(device_);
  if (!edges_.empty()) store_numeric(tensors, name + ".numeric", shape);
  for (std::size_t c = 0; c < embeddings_.size(); ++c) {
    auto table = embeddings_[c].detach();
    if (!towers_.empty()) table = torch::relu(torch::addmm(tower_biases_[c], table, towers_[c].t()));
    put(tensors, name + ".embedding." + std::to_string(c), table);
    shape.dimensions.push_back(static_cast<std::size_t>(table.size(1)));
  }
  if (n_paths_ > 1) {
    // If a single path is kept, it has no scale: the first layer's weights absorb it.
    const auto scale = scale_.index_select(0, chosen);
    if (paths.size() > 1) put(tensors, name + ".scale", with_unread(scale, 1));
  }
  for (std::size_t l = 0; l < weights_.size(); ++l) {
    const bool takes_scale = l == 0 && n_paths_ > 1 && paths.size() == 1;
    const torch::Tensor weight = takes_scale ? weights_[l] * scale_.index_select(0, chosen) : weights_[l];
    put(tensors, name + ".layer." + std::to_string(l) + ".weight", l == 0 ? with_unread(weight, 0) : weight);
    put(tensors, name + ".layer." + std::to_string(l) + ".bias", biases_[l]);
  }
  const auto put_head = [&](const char* part, const torch::Tensor& all) {
    const auto kept = all.index_select(0, chosen);
    put(tensors, name + part, n_outputs_ == 1 ? kept.squeeze(1) : kept);
  };
  put_head(".head.weight", head_);
  put_head(".head.bias", head_bias_);
  put_head(".a", a_);
  put_head(".b", b_);
  return shape;
}

}  // namespace sluice::dnn
