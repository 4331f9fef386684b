#include <atomic>
#include <chrono>
#include <cmath>
#include <memory>
#include <thread>
#include <vector>

#include "sluice/cascade/engine.h"
#include "sluice/cascade/resilience/fault_plan.h"
#include "sluice/cascade/resilience/isolate.h"
#include "support/catch.h"
#include "support/code_of.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

using namespace cascade;
using std::chrono::microseconds;
using std::chrono::milliseconds;

/// The margin is computed from the row's amount and the staged margin, so that an answer identifies its request.
struct EchoNetwork final : NetworkStage {
  NetworkAnswer score(RowsView rows, std::span<const PrefixMargins> forest, std::span<float> out,
                      Deadline) const override {
    for (std::size_t i = 0; i < rows.n_rows; ++i) out[i] = static_cast<float>(rows.row(i)[2]) + forest[i].back();
    return {Cause::none, DeviceName("echo")};
  }
};
struct EchoForest final : ForestStage {
  void score(RowsView rows, std::span<PrefixMargins> out) const override {
    for (std::size_t i = 0; i < rows.n_rows; ++i) out[i].fill(static_cast<float>(rows.row(i)[2]));
  }
};

std::shared_ptr<FaultPlan> plan_of(Fault fault, FaultOptions options = {}) {
  options.rates[static_cast<std::size_t>(fault)] = 1;
  return std::make_shared<FaultPlan>(options);
}

struct Isolated {
  Schema schema = small_schema();
  std::shared_ptr<FaultPlan> plan;
  std::unique_ptr<NetworkStage> network;
  std::vector<double> row = std::vector<double>(schema.size(), 7.0);

  Isolated(std::shared_ptr<FaultPlan> p, const IsolationOptions& options = {}) : plan(std::move(p)) {
    const std::shared_ptr<const NetworkStage> faulty = with_faults(std::make_shared<EchoNetwork>(), plan);
    network = isolate(faulty, schema, options);
  }
  Cause ask(float& margin, Deadline deadline = Deadline::none()) const {
    const PrefixMargins staged{0, 0, 0, 1};
    return network->score(RowsView(RowView(row)), {&staged, 1}, {&margin, 1}, deadline).cause;
  }
};

}  // namespace

TEST_CASE("an isolated stage answers as the stage does, from any thread") {
  const Schema schema = small_schema();
  const Table rows = small_rows(schema, 64, 3);
  const EchoNetwork plain_network;
  const EchoForest plain_forest;
  const auto network = isolate(std::shared_ptr<const NetworkStage>(std::make_shared<EchoNetwork>()), schema);
  const auto forest = isolate(std::shared_ptr<const ForestStage>(std::make_shared<EchoForest>()), schema);
  std::atomic<int> n_wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < rows.n_rows(); ++i) {
        PrefixMargins expected, staged;
        float margin = 0, expected_margin = 0;
        plain_forest.score(RowsView(rows.row(i)), {&expected, 1});
        if (forest->score_one(rows.row(i), staged, Deadline::none()) != Cause::none) ++n_wrong;
        plain_network.score(RowsView(rows.row(i)), {&expected, 1}, {&expected_margin, 1}, Deadline::none());
        const auto answer = network->score(RowsView(rows.row(i)), {&expected, 1}, {&margin, 1}, Deadline::none());
        const auto same = [](float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); };
        if (!same(staged.back(), expected.back()) || !same(margin, expected_margin)) ++n_wrong;
        if (answer.cause != Cause::none || answer.device.view() != "echo") ++n_wrong;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(n_wrong == 0);
}

TEST_CASE("a stage that hangs keeps no caller beyond the deadline, and answers again when it is released") {
  const Isolated isolated(plan_of(Fault::stuck, {.stuck_us = 60'000'000}),
                          {.n_threads = 1, .max_hung = 2, .max_wait_us = 20'000});
  float margin = 0;
  CHECK(isolated.ask(margin, Deadline::in(milliseconds(5))) == Cause::network_late);
  while (isolated.plan->count(Fault::stuck) < 3) {
    const Cause cause = isolated.ask(margin);
    CHECK((cause == Cause::network_late || cause == Cause::network_shed));
  }
  isolated.ask(margin);
  CHECK(isolated.ask(margin) == Cause::network_shed);  // all threads hang, and so do their replacements
  isolated.plan->set_active(false);
  isolated.plan->release();
  for (int k = 0; k < 1000 && isolated.ask(margin) != Cause::none; ++k) std::this_thread::sleep_for(milliseconds(1));
  CHECK(isolated.ask(margin) == Cause::none);
  CHECK(margin == 8.0f);
}

TEST_CASE("a call that ends its thread has failed, and the thread is replaced") {
  const Isolated isolated(plan_of(Fault::crash, {.may_end_threads = true}), {.n_threads = 2});
  float margin = 0;
  for (int k = 0; k < 20; ++k) CHECK(isolated.ask(margin) == Cause::network_failed);
  isolated.plan->set_active(false);
  for (int k = 0; k < 20; ++k) CHECK(isolated.ask(margin) == Cause::none);
}

TEST_CASE("a full queue sheds calls, and calls that waited too long leave it") {
  const Isolated isolated(plan_of(Fault::stuck, {.stuck_us = 60'000'000}),
                          {.n_threads = 1, .queue_limit = 1, .max_hung = 0, .max_wait_us = 2'000'000});
  std::atomic<int> n_late = 0, n_shed = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      float margin = 0;
      const Cause cause = isolated.ask(margin);
      ++(cause == Cause::network_late ? n_late : n_shed);
    });
  for (auto& thread : threads) thread.join();
  CHECK(n_late == 2);  // one in the thread, one in the queue
  CHECK(n_shed == 2);
  isolated.plan->release();
}

TEST_CASE("an isolated provider gives what the provider gives, and is late if it hangs") {
  struct Sevens final : FeatureProvider {
    Result fetch(RowView, std::span<double> late, Deadline) const override {
      std::fill(late.begin(), late.end(), 7.0);
      return Result::ok;
    }
  };
  const Schema schema = small_schema(true);
  const std::vector<double> row(schema.size());
  std::vector<double> late(schema.late_columns().size());
  const auto plan = plan_of(Fault::stuck, {.stuck_us = 60'000'000});
  const std::shared_ptr<const FeatureProvider> faulty = with_faults(std::make_shared<Sevens>(), plan);
  const auto provider = isolate(faulty, schema);
  CHECK(provider->fetch(row, late, Deadline::in(milliseconds(5))) == FeatureProvider::Result::late);
  plan->set_active(false);
  CHECK(provider->fetch(row, late, Deadline::none()) == FeatureProvider::Result::ok);
  CHECK(late == std::vector<double>(late.size(), 7.0));
  plan->release();
}

TEST_CASE("isolation refuses options that are out of range") {
  const auto stage = std::shared_ptr<const ForestStage>(std::make_shared<EchoForest>());
  const auto isolating = [&](const IsolationOptions& options) {
    return code_of([&] { isolate(stage, small_schema(), options); });
  };
  CHECK(isolating({.n_threads = 0}) == "isolation.options");
  CHECK(isolating({.queue_limit = 0}) == "isolation.options");
  CHECK(isolating({.max_wait_us = 0}) == "isolation.options");
  CHECK(isolating({}).empty());
  CHECK(code_of([] { FaultPlan({.rates = {0, 0.6, 0.6}}); }) == "fault.rates");
}

}  // namespace sluice::test
