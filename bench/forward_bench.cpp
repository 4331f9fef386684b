/// One forwarded request on the CPU, end to end: raw row, forest, encoder, network, calibrated probability; and its
/// parts.
///
///   forward_bench FOLDER      a case of gbdt_bench

#include <cmath>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "bench_case.h"
#include "bench_timing.h"
#include "sluice/base/random.h"
#include "sluice/bundle/calibration.h"
#include "sluice/cascade/forest_stage.h"
#include "sluice/dnn/executor.h"
#include "sluice/gbdt/load_xgboost.h"

namespace {

using namespace sluice;

constexpr std::size_t kCalls = 20001;

std::shared_ptr<const dnn::Network> random_network(dnn::Encoder encoder, const std::vector<std::size_t>& hidden) {
  Random random(1);
  dnn::Tensors tensors = {{"member.0.a", {{1}, {1.0f}}}, {"member.0.b", {{1}, {0.0f}}}};
  const auto put = [&](const std::string& name, std::vector<std::size_t> shape, std::size_t size, double deviation) {
    dnn::Tensor& made = tensors["member.0." + name];
    made.shape = std::move(shape);
    for (std::size_t i = 0; i < size; ++i) made.values.push_back(static_cast<float>(random.normal() * deviation));
  };
  std::size_t n_in = encoder.n_dense();
  for (std::size_t l = 0; l < hidden.size(); n_in = hidden[l++]) {
    const std::string layer = "layer." + std::to_string(l);
    put(layer + ".weight", {hidden[l], n_in}, hidden[l] * n_in, std::sqrt(2.0 / static_cast<double>(n_in)));
    put(layer + ".bias", {hidden[l]}, hidden[l], 0.1);
  }
  put("head.weight", {1, n_in}, n_in, 0.1);
  put("head.bias", {1}, 1, 0.1);
  return std::make_shared<dnn::Network>(std::move(encoder), std::vector<dnn::MemberShape>{{.hidden = hidden}}, tensors,
                                        "bench");
}

void run(const std::string& folder) {
  const bench::Case data = bench::read_case(folder);
  const auto forests =
      std::make_shared<const std::vector<gbdt::Forest>>(1, gbdt::load_xgboost(data.model, "model.json"));
  std::vector<Column> columns(data.shape.n_features);
  for (std::size_t c = 0; c < columns.size(); ++c)
    columns[c].name =
        forests->front().feature_names.empty() ? "x" + std::to_string(c) : forests->front().feature_names[c];
  const Schema schema(columns);
  constexpr std::size_t kRows = 1024;
  Table rows(columns.size(), kRows);
  for (std::size_t i = 0; i < kRows; ++i)
    for (std::size_t c = 0; c < columns.size(); ++c) rows.row(i)[c] = static_cast<double>(data.rows.row(i)[c]);

  const auto forest = cascade::make_forest_stage(forests, schema);
  std::vector<cascade::PrefixMargins> staged(kRows);
  forest->score(rows.view(), staged);
  const auto network = random_network(dnn::Encoder::fit(schema, rows.view(), staged), {128, 128});
  const auto executor = dnn::make_executor(network, dnn::Device::cpu);
  const auto stage = cascade::make_network_stage(network, dnn::Device::cpu);
  FloatTable encoded(network->encoder().n_encoded(), kRows);
  for (std::size_t i = 0; i < kRows; ++i) network->encoder().encode(rows.row(i), staged[i], encoded.row(i));

  const cascade::Platt calibration{1.1, -0.2};
  cascade::PrefixMargins one;
  float margin = 0;
  double p = 0;
  const auto at = [&](std::size_t i) { return rows.view().slice(i % kRows, 1); };
  const auto t_forest = bench::time_calls(kCalls, [&](std::size_t i) { forest->score(at(i), {&one, 1}); });
  const auto t_network = bench::time_calls(
      kCalls, [&](std::size_t i) { executor->forward(encoded.view().slice(i % kRows, 1), {&margin, 1}); });
  const auto t_all = bench::time_calls(kCalls, [&](std::size_t i) {
    forest->score(at(i), {&one, 1});
    stage->score(at(i), {&one, 1}, {&margin, 1}, cascade::Deadline::none());
    p += calibration.probability(margin);
  });
  std::printf("| forest stage | network, %zu inputs → 128×2 | forward path | beyond both |\n|---|---|---|---|\n",
              network->encoder().n_dense());
  std::printf("| %.2f µs | %.2f µs | %.2f µs | %.2f µs |\n", t_forest.median, t_network.median, t_all.median,
              t_all.median - t_forest.median - t_network.median);
  if (!std::isfinite(p)) std::printf("a probability was not finite\n");
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) return std::fprintf(stderr, "forward_bench FOLDER\n"), 2;
  run(argv[1]);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
