/// The network executor: one row alone, and a row of a batch of 4096, for each kernel of this processor.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "sluice/base/random.h"
#include "sluice/dnn/executor.h"

namespace {

using namespace sluice;

std::shared_ptr<const dnn::Network> random_network(std::size_t n_inputs, const std::vector<std::size_t>& hidden) {
  std::vector<Column> columns(n_inputs - dnn::kStages.size());
  for (std::size_t c = 0; c < columns.size(); ++c) columns[c].name = "x" + std::to_string(c);
  Random random(1);
  dnn::Tensors tensors = {{"member.0.a", {{1}, {1.0f}}}, {"member.0.b", {{1}, {0.0f}}}};
  const auto tensor = [&](std::vector<std::size_t> shape, std::size_t size, double deviation) {
    dnn::Tensor made{std::move(shape), std::vector<float>(size)};
    for (float& x : made.values) x = static_cast<float>(random.normal() * deviation);
    return made;
  };
  std::size_t n_in = n_inputs;
  for (std::size_t l = 0; l < hidden.size(); ++l) {
    const std::size_t n_out = hidden[l];
    tensors["member.0.layer." + std::to_string(l) + ".weight"] =
        tensor({n_out, n_in}, n_out * n_in, std::sqrt(2.0 / static_cast<double>(n_in)));
    tensors["member.0.layer." + std::to_string(l) + ".bias"] = tensor({n_out}, n_out, 0.1);
    n_in = n_out;
  }
  tensors["member.0.head.weight"] = tensor({1, n_in}, n_in, std::sqrt(1.0 / static_cast<double>(n_in)));
  tensors["member.0.head.bias"] = tensor({1}, 1, 0.1);
  const Table no_rows(columns.size());
  return std::make_shared<dnn::Network>(dnn::Encoder::fit(Schema(columns), no_rows.view(), {}),
                                        std::vector<dnn::MemberShape>{{.hidden = hidden}}, tensors, "bench");
}

/// Median microseconds of a call.
double p50_us(const dnn::Executor& executor, BatchView rows, std::size_t n_calls) {
  std::vector<float> margins(rows.n_rows);
  std::vector<double> us;
  for (std::size_t call = 0; call < n_calls; ++call) {
    const auto start = std::chrono::steady_clock::now();
    executor.forward(rows, margins);
    us.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(us.begin(), us.begin() + static_cast<std::ptrdiff_t>(n_calls / 2), us.end());
  return us[n_calls / 2];
}

}  // namespace

int main() {
  constexpr std::size_t kInputs = 64, kBatch = 4096;
  std::printf("%-12s %-8s %14s %18s\n", "network", "kernel", "1 row p50, us", "batch 4096, us/row");
  for (const auto& [name, hidden] :
       {std::pair("64->128x2", std::vector<std::size_t>{128, 128}), {"64->256x3", {256, 256, 256}}}) {
    const auto network = random_network(kInputs, hidden);
    FloatTable rows(network->encoder().n_encoded(), kBatch);
    Random random(2);
    for (std::size_t i = 0; i < kBatch; ++i)
      for (float& x : rows.row(i)) x = static_cast<float>(random.normal());
    for (const auto kernel : dnn::dense_kernels()) {
      const auto executor = dnn::make_executor(network, dnn::Device::cpu, kernel);
      std::printf("%-12s %-8s %14.2f %18.3f\n", name, std::string(executor->kernel()).c_str(),
                  p50_us(*executor, rows.view().slice(0, 1), 2001),
                  p50_us(*executor, rows.view(), 11) / static_cast<double>(kBatch));
    }
  }
}
