#include "sluice/cascade/network_stage.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/bundle/bundle.h"
#include "sluice/cascade/engine.h"
#include "support/catch.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

using namespace cascade;
using std::chrono::microseconds;

/// A fake device: gives the CPU's answers under another name, for batches of any size, while its gate is open.
class FakeDevice final : public dnn::Executor {
 public:
  explicit FakeDevice(const Bundle& bundle) : cpu_(dnn::make_executor(bundle.network, dnn::Device::cpu)) {}

  void forward(BatchView encoded, std::span<float> margins) const override {
    std::unique_lock lock(mutex_);
    ++n_batches;
    gate_.wait(lock, [&] { return is_open_; });
    if (is_lost_) throw Error("device.lost", "the device is lost");
    cpu_->forward(encoded, margins);
  }
  std::string_view device() const override { return "fake:0"; }
  std::string_view kernel() const override { return "fake"; }

  void set_open(bool open) {
    const std::lock_guard lock(mutex_);
    is_open_ = open;
    gate_.notify_all();
  }
  void lose() {
    const std::lock_guard lock(mutex_);
    is_lost_ = true;
  }
  mutable std::atomic<int> n_batches = 0;

 private:
  std::unique_ptr<dnn::Executor> cpu_;
  mutable std::mutex mutex_;
  mutable std::condition_variable gate_;
  bool is_open_ = true, is_lost_ = false;
};

struct Batched {
  explicit Batched(const TempDir& dir, std::size_t queue_limit = 8) {
    bundle = small_bundle(dir / "b", 5, {.band = Band{0, 1, true}});
    device = std::make_shared<FakeDevice>(*bundle);
    const std::shared_ptr<const dnn::Encoder> encoder(bundle->network, &bundle->network->encoder());
    const dnn::BatcherOptions options{.max_batch = 4, .max_delay = microseconds(100), .queue_limit = queue_limit};
    const auto never_opens = std::make_shared<Breaker>(BreakerOptions{.failure_rate = 2});
    engine = std::make_unique<Engine>(
        bundle, EngineOptions{.network = make_network_stage(encoder, device, options), .network_breaker = never_opens});
  }

  std::shared_ptr<const Bundle> bundle;
  std::shared_ptr<FakeDevice> device;
  std::unique_ptr<Engine> engine;
};

TEST_CASE("single decisions share a device's batches and have the same bits as on the CPU and in a batch") {
  const TempDir dir;
  const Batched batched(dir);
  const Engine cpu(batched.bundle);
  const Table rows = small_rows(batched.bundle->schema, 64, 3);
  std::vector<Decision> decisions(64);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < 64; i += 4) decisions[i] = batched.engine->decide(rows.row(i));
    });
  for (auto& thread : threads) thread.join();
  std::vector<Decision> in_batch(64);
  batched.engine->decide_batch(rows.view(), in_batch);
  for (std::size_t i = 0; i < 64; ++i) {
    CAPTURE(i);
    const Decision expected = cpu.decide(rows.row(i));
    CHECK(expected.device.view() == "cpu");
    for (const Decision& d : {decisions[i], in_batch[i]}) {
      REQUIRE(d.network.ran);
      CHECK(d.device.view() == "fake:0");
      CHECK(d.network.margin == expected.network.margin);
      CHECK(d.action == expected.action);
    }
  }
}

TEST_CASE("if a device hangs, is full or is lost, requests are decided at L1") {
  const TempDir dir;
  Batched batched(dir, 1);
  const Table rows = small_rows(batched.bundle->schema, 1, 3);
  batched.device->set_open(false);
  const auto start = std::chrono::steady_clock::now();
  const Decision late = batched.engine->decide(rows.row(0), Deadline::in(microseconds(20000)));
  CHECK(late.level == Level::L1);
  CHECK(late.cause == Cause::network_late);
  CHECK(late.device.view().empty());
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));

  // The device still has that row; a second one waits, and a third finds the queue full.
  std::thread waiting([&] {
    while (batched.engine->decide(rows.row(0), Deadline::in(std::chrono::seconds(60))).cause == Cause::network_shed)
      std::this_thread::yield();  // the loop below was in the queue
  });
  Decision shed;
  while (shed.cause != Cause::network_shed && std::chrono::steady_clock::now() - start < std::chrono::seconds(60))
    shed = batched.engine->decide(rows.row(0), Deadline::in(microseconds(5000)));
  CHECK(shed.cause == Cause::network_shed);
  CHECK(shed.level == Level::L1);
  batched.device->set_open(true);
  waiting.join();

  batched.device->lose();
  const Decision lost = batched.engine->decide(rows.row(0));
  CHECK(lost.level == Level::L1);
  CHECK(lost.cause == Cause::network_failed);
}

}  // namespace
}  // namespace sluice::test
