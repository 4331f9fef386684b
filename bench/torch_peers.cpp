/// LibTorch on a case of the network bench, eager and as TorchScript: torch_peers FOLDER
///
/// Prints the JSON lines that bench/dnn_table.py reads. Input tensors are made before the clock starts.

#include <torch/script.h>
#include <torch/torch.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>

#include "bench_timing.h"
#include "dnn_case.h"

namespace {

using namespace sluice::bench;
using torch::Tensor;
using Forward = std::function<Tensor(const Tensor&)>;

constexpr std::size_t kSingles = 1000, kRepeats = 21;

/// The network over its tensors, as one would write it with LibTorch.
class Eager {
 public:
  explicit Eager(const NetworkCase& of) : shape_(of.shape) {
    for (const auto& [name, tensor] : of.tensors) {
      const std::vector<std::int64_t> sizes(tensor.shape.begin(), tensor.shape.end());
      tensors_[name] = torch::from_blob(const_cast<float*>(tensor.values.data()), sizes).clone();
    }
    if (shape_.numeric_dimension > 0) {
      const auto n = static_cast<std::int64_t>(shape_.n_bins.size());
      edges_ = at("numeric.edges").view({n, -1});
      inner_ = edges_.slice(1, 1).contiguous();
      first_ = torch::arange(n) * edges_.size(1);
    }
  }

  Tensor operator()(const Tensor& rows) const {
    const auto n = rows.size(0), n_dense = rows.size(1) - 1;
    Tensor x = rows.slice(1, 0, n_dense);
    if (shape_.numeric_dimension > 0) x = embed(x);
    const auto k = static_cast<std::int64_t>(shape_.n_paths);
    if (k > 1) x = (x.unsqueeze(1) * at("scale")).view({n * k, -1});
    for (std::size_t l = 0; l < shape_.hidden.size(); ++l) {
      const std::string name = "layer." + std::to_string(l);
      x = torch::addmm(at(name + ".bias"), x, at(name + ".weight").t()).relu_();
    }
    const Tensor margin = rows.slice(1, n_dense);
    const Tensor head = k > 1 ? (x.view({n, k, -1}) * at("head.weight")).sum(2) + at("head.bias")
                              : torch::addmm(at("head.bias"), x, at("head.weight").t());
    return (margin * at("a") + at("b") + head).mean(1);
  }

  const std::map<std::string, Tensor>& tensors() const { return tensors_; }

 private:
  const Tensor& at(const std::string& name) const { return tensors_.at(name); }

  Tensor embed(const Tensor& x) const {
    const Tensor bin = (x.unsqueeze(2) >= inner_).sum(2) + first_;
    const Tensor distance = (x - at("numeric.edges").index({bin})).unsqueeze(2);
    const Tensor out = at("numeric.at").index({bin}) + distance * at("numeric.slope").index({bin});
    return out.view({x.size(0), -1});
  }

  sluice::dnn::MemberShape shape_;
  std::map<std::string, Tensor> tensors_;
  Tensor edges_, inner_, first_;
};

/// The same, frozen and optimised for inference. Tensors are attributes, their names with underscores.
torch::jit::Module script_of(const NetworkCase& of, const Eager& eager) {
  torch::jit::Module module("network");
  for (const auto& [name, tensor] : eager.tensors()) {
    std::string attribute = name;
    std::replace(attribute.begin(), attribute.end(), '.', '_');
    module.register_parameter(attribute, tensor, false);
  }
  const bool has_paths = of.shape.n_paths > 1;
  std::ostringstream source;
  source << "def forward(self, rows):\n    n = rows.size(0)\n    x = rows[:, :-1]\n";
  if (of.shape.numeric_dimension > 0)
    source << "    edges = self.numeric_edges.view(x.size(1), -1)\n"
              "    first = torch.arange(x.size(1)) * edges.size(1)\n"
              "    bin = (x.unsqueeze(2) >= edges[:, 1:]).sum(2) + first\n"
              "    distance = (x - self.numeric_edges[bin]).unsqueeze(2)\n"
              "    x = (self.numeric_at[bin] + distance * self.numeric_slope[bin]).view(n, -1)\n";
  if (has_paths) source << "    x = (x.unsqueeze(1) * self.scale).view(n * " << of.shape.n_paths << ", -1)\n";
  for (std::size_t l = 0; l < of.shape.hidden.size(); ++l)
    source << "    x = torch.relu(torch.linear(x, self.layer_" << l << "_weight, self.layer_" << l << "_bias))\n";
  if (has_paths)
    source << "    head = (x.view(n, " << of.shape.n_paths << ", -1) * self.head_weight).sum(2) + self.head_bias\n";
  else
    source << "    head = torch.linear(x, self.head_weight, self.head_bias)\n";
  source << "    return (rows[:, -1:] * self.a + self.b + head).mean(1)\n";
  module.define(source.str());
  module.eval();
  return torch::jit::optimize_for_inference(module);
}

void print(const char* peer, const char* work, const Timing& t, double difference) {
  std::printf(
      R"({"peer": "%s", "version": "%s", "work": "%s", "us": %.4f, "low": %.4f, "high": %.4f, "difference": %.3g})"
      "\n",
      peer, TORCH_VERSION, work, t.median, t.low, t.high, difference);
  std::fflush(stdout);
}

void bench(const char* peer, const Forward& forward, const Tensor& rows, const Tensor& expected) {
  std::vector<Tensor> singles;
  for (std::int64_t i = 0; i < rows.size(0); ++i) singles.push_back(rows.slice(0, i, i + 1));
  const auto one = [&](std::size_t i) { forward(singles[i % singles.size()]); };
  for (std::size_t i = 0; i < 50; ++i) one(i);  // TorchScript compiles in its first calls
  for (std::size_t i = 0; i < 3; ++i) forward(rows);
  const double difference = (forward(rows) - expected).abs().max().item<double>();
  print(peer, "one row", time_calls(kSingles, one), difference);
  const Work batch{[&] { forward(rows); }, static_cast<std::size_t>(rows.size(0))};
  print(peer, "batch", time_in_turns({batch}, kRepeats)[0], difference);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) throw std::runtime_error("torch_peers FOLDER");
  torch::set_num_threads(1);
  const c10::InferenceMode inference;
  const NetworkCase of = read_network_case(argv[1]);
  const auto view = of.rows.view();
  const Tensor rows = torch::from_blob(const_cast<float*>(view.data), {static_cast<std::int64_t>(view.n_rows),
                                                                       static_cast<std::int64_t>(view.n_columns)});
  const Tensor expected = torch::from_blob(const_cast<float*>(of.margins.data()), {rows.size(0)});
  const Eager eager(of);
  bench("LibTorch, eager", eager, rows, expected);
  torch::jit::Module script = script_of(of, eager);
  bench("LibTorch, TorchScript", [&](const Tensor& x) { return script.forward({x}).toTensor(); }, rows, expected);
} catch (const std::exception& e) {
  std::fprintf(stderr, "error: %s\n", e.what());
  return 1;
}
