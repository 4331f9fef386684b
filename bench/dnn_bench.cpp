/// The network executor: dnn_bench names | case NAME FOLDER | run FOLDER
///
/// `run` prints a JSON line for each kernel of this processor: one row alone, and a row of the case's batch, on one
/// thread. bench/dnn_table.py reads them.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "bench_timing.h"
#include "dnn_case.h"
#include "sluice/base/error.h"
#include "sluice/dnn/executor.h"

namespace {

using namespace sluice;
using namespace sluice::bench;

constexpr std::size_t kSingles = 2000, kRepeats = 41;

double largest_difference(std::span<const float> actual, std::span<const float> expected) {
  double worst = 0;
  for (std::size_t i = 0; i < actual.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(actual[i]) - static_cast<double>(expected[i])));
  return worst;
}

void print(std::string_view kernel, const char* work, const Timing& t, double difference) {
  std::printf(
      R"({"peer": "Sluice", "kernel": "%s", "work": "%s", "us": %.4f, "low": %.4f, "high": %.4f, "difference": %.3g})"
      "\n",
      std::string(kernel).c_str(), work, t.median, t.low, t.high, difference);
  std::fflush(stdout);
}

void run_kernel(const NetworkCase& of, const dnn::Executor& executor, bool is_slow) {
  const std::size_t n_rows = is_slow ? std::min<std::size_t>(16, of.rows.n_rows()) : of.rows.n_rows();
  const BatchView rows = of.rows.view().slice(0, n_rows);
  std::vector<float> margins(n_rows);
  const auto one = [&](std::size_t i) { executor.forward(rows.slice(i % n_rows, 1), {&margins[i % n_rows], 1}); };
  for (std::size_t i = 0; i < n_rows; ++i) one(i);
  const double difference = largest_difference(margins, of.margins);
  print(executor.kernel(), "one row", time_calls(is_slow ? 50 : kSingles, one), difference);
  const Work batch{[&] { executor.forward(rows, margins); }, n_rows};
  print(executor.kernel(), "batch", time_in_turns({batch}, kRepeats)[0], largest_difference(margins, of.margins));
}

void run(const NetworkCase& of) {
  const auto network = network_of(of);
  auto kernels = dnn::dense_kernels();
  if (dnn::has_kernel(dnn::DenseKernel::avx512_bf16)) kernels.push_back(dnn::DenseKernel::avx512_bf16);
  for (const auto kernel : kernels)
    run_kernel(of, *dnn::make_executor(network, dnn::Device::cpu, kernel), kernel == dnn::DenseKernel::scalar);
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments == std::vector<std::string>{"names"})
    for (const std::string& name : network_case_names()) std::puts(name.c_str());
  else if (arguments.size() == 3 && arguments[0] == "case")
    make_network_case(arguments[1], arguments[2]);
  else if (arguments.size() == 2 && arguments[0] == "run")
    run(read_network_case(arguments[1]));
  else
    throw Error("usage", "dnn_bench names | case NAME FOLDER | run FOLDER");
} catch (const Error& e) {
  std::fprintf(stderr, "error: %s\n", e.message().c_str());
  return 1;
}
