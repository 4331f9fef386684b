#include <sys/wait.h>
#include <torch/cuda.h>
#include <torch/script.h>
#include <unistd.h>

#include <cmath>
#include <functional>
#include <limits>
#include <sstream>
#include <thread>

// Catch2's macros must be last, because LibTorch's logging has its own CHECK.
#undef CHECK
#include "dnn_support.h"
#include "sluice/base/error.h"
#include "sluice/dnn/imported.h"
#include "sluice/dnn/parity_sample.h"
#include "support/catch.h"

namespace sluice::test {
namespace {

const RandomNetwork& fitted() {
  static const RandomNetwork network = random_network({{.hidden = {4}}}, true, 31);
  return network;
}

std::size_t width() { return fitted().encoder.n_encoded(); }

/// The file of a module with this body of `forward(self, x: Tensor)`; it has weights w [width] and a counter n.
std::string script(const std::string& body, const std::string& arguments = "self, x: Tensor") {
  torch::jit::Module module("network");
  const auto n = static_cast<std::int64_t>(width());
  module.register_parameter("w", torch::arange(n, torch::kFloat32) / static_cast<double>(n), false);
  module.register_buffer("n", torch::zeros({1}));
  module.define("def forward(" + arguments + "):\n    " + body + "\n");
  std::ostringstream out;
  module.save(out);
  return out.str();
}

std::unique_ptr<dnn::Executor> open(const std::string& bytes, dnn::DeviceChoice device = {}) {
  return dnn::make_imported_executor(
      {.encoder = fitted().encoder, .runtime = "torchscript", .file = "network.pt", .bytes = bytes}, SLUICE_PLUGINS,
      device);
}

Error refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& e) {
    return e;
  }
  return Error("", "");
}

std::vector<float> margins_of(const dnn::Executor& executor, BatchView rows) {
  std::vector<float> margins(rows.n_rows);
  executor.forward(rows, margins);
  return margins;
}

void opens_not(const std::string& body, const std::string& why) {
  CAPTURE(body);
  const Error error = refusal([&] { open(script(body)); });
  CHECK(error.code() == "network.open");
  CHECK_THAT(error.message(), Catch::Contains("network.pt") && Catch::Contains(why));
}

}  // namespace

TEST_CASE("a TorchScript file gives the margins of its formula, as [n] and as [n, 1]") {
  for (const char* body :
       {"return torch.matmul(x, self.w) + 0.5", "return torch.matmul(x, self.w.unsqueeze(1)) + 0.5"}) {
    const auto executor = open(script(body));
    CHECK(executor->device() == "cpu");
    CHECK_THAT(std::string(executor->kernel()), Catch::StartsWith("torchscript "));
    for (const std::size_t n : {1, 2, 3, 64, 100}) {
      const FloatTable rows = random_encoded(fitted().encoder, n, 5);
      const auto margins = margins_of(*executor, rows.view());
      for (std::size_t i = 0; i < n; ++i) {
        double expected = 0.5;
        for (std::size_t c = 0; c < width(); ++c)
          expected += static_cast<double>(rows.row(i)[c]) * static_cast<double>(c) / static_cast<double>(width());
        REQUIRE(margins[i] == Approx(expected).epsilon(1e-5).margin(1e-5));
      }
    }
  }
}

TEST_CASE("a file whose output is not one margin per row is rejected at load, with the output's shape") {
  opens_not("return x", "for 1 rows it returns a tensor [1, " + std::to_string(width()) + "]");
  opens_not("return torch.matmul(x, self.w).sum()", "a tensor [] of float");
  opens_not("return torch.cat([torch.matmul(x, self.w), self.n])", "a tensor [2] of float");
  opens_not("return torch.matmul(x, self.w).unsqueeze(0)[:, :1].squeeze(0)", "for 2 rows it returns a tensor [1]");
  opens_not("return torch.matmul(x, self.w).double()", "of double");
  opens_not("return (torch.matmul(x, self.w), 1)", "Tuple");
  opens_not("return 5.0", "expected a tensor");
}

TEST_CASE("a file that reads other columns, raises or is not TorchScript is rejected at load") {
  opens_not("return torch.matmul(x[:, :3], self.w)", "size mismatch");
  opens_not("assert x.size(0) == 0, 'I never run'\n    return x[:, 0]", "I never run");
  const Error two = refusal([] { open(script("return x[:, 0] + y", "self, x: Tensor, y: Tensor")); });
  CHECK(two.code() == "network.open");
  const std::string good = script("return torch.matmul(x, self.w)");
  for (const std::string& bytes :
       {std::string(), std::string("PK\3\4"), std::string(1000, 'x'), good.substr(0, good.size() / 2)})
    CHECK(refusal([&] { open(bytes); }).code() == "network.open");
}

TEST_CASE("a script that raises for some rows fails there and serves the others") {
  const auto executor =
      open(script("assert float(x[0, 0]) < 5.0, 'too large for me'\n    return torch.matmul(x, self.w)"));
  FloatTable rows = random_encoded(fitted().encoder, 1, 6);
  const auto before = margins_of(*executor, rows.view());
  rows.row(0)[0] = 6;
  const Error error = refusal([&] { margins_of(*executor, rows.view()); });
  CHECK(error.code() == "network.failed");
  CHECK_THAT(error.message(), Catch::Contains("too large for me"));
  rows.row(0)[0] = random_encoded(fitted().encoder, 1, 6).row(0)[0];
  CHECK(bits(margins_of(*executor, rows.view())) == bits(before));
}

TEST_CASE("a margin that is not finite reaches the caller, and has no parity sample") {
  const auto executor = open(script("return torch.matmul(x, self.w) / self.n * 0.0"));
  const FloatTable rows = random_encoded(fitted().encoder, 2, 7);
  CHECK(std::isnan(margins_of(*executor, rows.view())[1]));
  CHECK(refusal([&] { dnn::take_parity_sample(*executor, fitted().encoder); }).code() == "bundle.parity");
}

TEST_CASE("slow first calls are done when the network is open") {
  const auto executor = open(script("self.n.add_(1)\n    return torch.zeros_like(x[:, 0]) + self.n"));
  const FloatTable rows = random_encoded(fitted().encoder, 1, 8);
  CHECK(margins_of(*executor, rows.view())[0] > 6);
}

TEST_CASE("a script that writes into its input does not change the caller's rows") {
  const auto executor = open(script("x.zero_()\n    return x[:, 0]"));
  FloatTable rows = random_encoded(fitted().encoder, 3, 9);
  const FloatTable copy = rows;
  CHECK(margins_of(*executor, rows.view()) == std::vector<float>(3, 0.0f));
  for (std::size_t i = 0; i < 3; ++i) CHECK(bits(rows.row(i)) == bits(copy.row(i)));
}

TEST_CASE("threads share a TorchScript network and get the margins of one thread") {
  const auto executor = open(script("return torch.tanh(torch.matmul(x, self.w)) * 2.0"));
  const FloatTable rows = random_encoded(fitted().encoder, 60, 10);
  std::vector<float> expected;
  for (std::size_t i = 0; i < 60; ++i) expected.push_back(margins_of(*executor, rows.view().slice(i, 1))[0]);
  std::vector<std::vector<float>> margins(4, std::vector<float>(60));
  std::vector<std::thread> threads;
  for (auto& own : margins)
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < 60; ++i) executor->forward(rows.view().slice(i, 1), std::span(own).subspan(i, 1));
    });
  for (auto& thread : threads) thread.join();
  for (const auto& own : margins) CHECK(bits(own) == bits(expected));
}

TEST_CASE("the same file passes parity, another one is detected by its margins") {
  const auto executor = open(script("return torch.matmul(x, self.w)"));
  const auto sample = dnn::take_parity_sample(*executor, fitted().encoder, dnn::kImportedTolerance);
  CHECK_NOTHROW(dnn::require_parity(*open(script("return torch.matmul(x, self.w)")), sample, "p"));
  CHECK_NOTHROW(dnn::require_parity(*open(script("return (x * self.w).sum(1)")), sample, "p"));
  const Error error =
      refusal([&] { dnn::require_parity(*open(script("return torch.matmul(x, self.w) + 0.001")), sample, "p"); });
  CHECK(error.code() == "bundle.parity");
  CHECK_THAT(error.message(), Catch::Contains("torchscript"));
}

TEST_CASE("after fork a TorchScript network throws and does not hang") {
  const auto executor = open(script("return torch.matmul(x, self.w)"));
  const FloatTable rows = random_encoded(fitted().encoder, 1, 11);
  std::vector<float> margins(1);
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);
    _exit(refusal([&] { executor->forward(rows.view(), margins); }).code() == "network.forked" ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("a CUDA device that this LibTorch does not have is an error with its name") {
  if (torch::cuda::is_available()) {
    WARN("SKIP: this LibTorch has CUDA devices");
    return;
  }
  const Error error = refusal([] { open(script("return torch.matmul(x, self.w)"), {dnn::Device::cuda, 1}); });
  CHECK(error.code() == "network.open");
  CHECK_THAT(error.message(), Catch::Contains("cuda:1"));
}

}  // namespace sluice::test
