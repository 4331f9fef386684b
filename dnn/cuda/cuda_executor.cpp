#include "sluice/dnn/cuda/cuda_executor.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/dnn/cuda/resources.h"
#include "sluice/dnn/cuda/slot.h"
#include "sluice/dnn/cuda/slot_pool.h"

namespace sluice::dnn {
namespace cuda {
namespace {

/// The slots that one call has borrowed, oldest first. The destructor waits for running batches and returns the slots.
class Flights {
 public:
  struct Flight {
    std::size_t slot, first, n_rows;
  };

  Flights(SlotPool& pool, const std::vector<std::unique_ptr<Slot>>& slots) : pool_(pool), slots_(slots) {}
  ~Flights() {
    while (!empty()) {
      slots_[oldest().slot]->abandon();
      end_oldest();
    }
  }
  Flights(const Flights&) = delete;
  Flights& operator=(const Flights&) = delete;

  bool empty() const { return count_ == 0; }
  const Flight& oldest() const { return flights_[begin_ % kMaxSlots]; }

  /// Borrows a slot: waits for the first, and takes more only if slots are spare. One is left to other calls.
  bool begin(std::size_t first, std::size_t n_rows) {
    if (count_ > 0 && count_ + 1 >= slots_.size()) return false;
    const auto slot = empty() ? pool_.acquire() : pool_.try_acquire();
    if (!slot) return false;
    flights_[(begin_ + count_++) % kMaxSlots] = {*slot, first, n_rows};
    return true;
  }
  Slot& newest_slot() const { return *slots_[flights_[(begin_ + count_ - 1) % kMaxSlots].slot]; }
  void end_oldest() {
    pool_.release(oldest().slot);
    ++begin_, --count_;
  }

 private:
  SlotPool& pool_;
  const std::vector<std::unique_ptr<Slot>>& slots_;
  std::array<Flight, kMaxSlots> flights_{};
  std::size_t begin_ = 0, count_ = 0;
};

int n_devices() {
  int n = 0, driver = 0;
  const cudaError_t error = cudaGetDeviceCount(&n);
  if (error == cudaErrorInsufficientDriver && cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0)
    throw Error("device.unavailable", "no CUDA driver is installed", "use --device cpu");
  check(error, "count the devices");
  return n;
}

int checked_device(const CudaOptions& options) {
  if (!(options.memory_share > 0 && options.memory_share <= 1) || options.max_batch < 1 || options.n_slots < 1 ||
      options.n_slots > kMaxSlots)
    throw Error("device.options", "a CUDA executor needs 1 to " + std::to_string(kMaxSlots) +
                                      " slots, batches of at least one row and a memory share in (0, 1]");
  const int n = n_devices();
  if (options.device < 0 || options.device >= n)
    throw Error("device.unavailable", "no CUDA device " + std::to_string(options.device),
                "the number of devices that this process sees is " + std::to_string(n));
  return options.device;
}

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "read the device's properties");
  return value;
}

MemoryPlan planned(const PackedNetwork& packed, const CudaOptions& options) {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "read the device's free memory");
  return plan_memory(packed, options.max_batch, options.n_slots,
                     static_cast<std::size_t>(options.memory_share * static_cast<double>(free)));
}

class CudaExecutor final : public Executor {
 public:
  CudaExecutor(const Network& network, const CudaOptions& options)
      : device_(checked_device(options)),
        device_name_("cuda:" + std::to_string(device_)),
        kernel_name_("cuda-sm" + std::to_string(attribute(cudaDevAttrComputeCapabilityMajor, device_)) +
                     std::to_string(attribute(cudaDevAttrComputeCapabilityMinor, device_))) {
    const DeviceScope scope(device_);
    PackedNetwork packed = pack(network);
    plan_ = planned(packed, options);
    network_ = std::make_unique<DeviceNetwork>(
        std::move(packed), static_cast<std::size_t>(attribute(cudaDevAttrMultiProcessorCount, device_)));
    for (std::size_t i = 0; i < plan_.n_slots; ++i)
      slots_.push_back(std::make_unique<Slot>(*network_, plan_.max_batch));
    pool_ = std::make_unique<SlotPool>(plan_.n_slots);
  }

  ~CudaExecutor() override {
    if (getpid() == process_) return;
    // They belong to the other process: CUDA cannot release them from here.
    for (auto& slot : slots_) (void)slot.release();
    (void)network_.release();
  }

  void forward(BatchView encoded, std::span<float> margins) const override {
    const std::size_t n_encoded = network_->packed().n_encoded;
    if (encoded.n_columns != n_encoded || margins.size() < encoded.n_rows)
      throw Error("shape", "the network reads " + std::to_string(n_encoded) + " encoded inputs a row, not " +
                               std::to_string(encoded.n_columns) + ", and needs one margin for every row");
    if (encoded.n_rows == 0) return;
    check_usable();
    try {
      const DeviceScope scope(device_);
      run(encoded, margins);
    } catch (const Error& error) {
      if (error.code() == "device.lost") is_lost_ = true;
      // Clears the error, so that no later call of this thread, in Sluice or elsewhere, reads it as its own.
      (void)cudaGetLastError();
      throw;
    }
  }
  std::string_view device() const override { return device_name_; }
  std::string_view kernel() const override { return kernel_name_; }

 private:
  void check_usable() const {
    if (getpid() != process_)
      throw Error("device.forked", "this process was forked from the one that loaded the network onto " + device_name_,
                  "CUDA does not survive fork(): load the network in the process that uses it");
    if (is_lost_) throw Error("device.lost", device_name_ + " was lost by an earlier batch", "restart the process");
  }

  void run(BatchView encoded, std::span<float> margins) const {
    Flights flights(*pool_, slots_);
    for (std::size_t first = 0; first < encoded.n_rows || !flights.empty();) {
      const std::size_t n = std::min(plan_.max_batch, encoded.n_rows - first);
      if (n > 0 && flights.begin(first, n)) {
        flights.newest_slot().start(encoded.slice(first, n));
        first += n;
      } else {
        const auto& flight = flights.oldest();
        slots_[flight.slot]->finish(margins.subspan(flight.first, flight.n_rows));
        flights.end_oldest();
      }
    }
  }

  int device_;
  std::string device_name_, kernel_name_;
  pid_t process_ = getpid();
  MemoryPlan plan_;
  std::unique_ptr<DeviceNetwork> network_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::unique_ptr<SlotPool> pool_;
  mutable std::atomic<bool> is_lost_ = false;
};

}  // namespace
}  // namespace cuda

std::unique_ptr<Executor> make_cuda_executor(std::shared_ptr<const Network> network, const CudaOptions& options) {
  if (network->n_outputs() > 1)
    throw Error(
        "device.unsupported",
        "the CUDA executor supports networks with one output; this one has " + std::to_string(network->n_outputs()),
        "use --device cpu or auto");
  return std::make_unique<cuda::CudaExecutor>(*network, options);
}

bool has_cuda_executor() { return true; }

}  // namespace sluice::dnn
