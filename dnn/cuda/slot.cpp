#include "sluice/dnn/cuda/slot.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sluice::dnn::cuda {

Slot::Slot(const DeviceNetwork& network, std::size_t max_batch)
    : n_encoded_(network.packed().n_encoded),
      layout_(layout_of(network.packed(), max_batch)),
      workspace_(device_bytes(layout_.n_floats * sizeof(float), "memory for a slot")),
      encoded_(pinned_floats(max_batch * n_encoded_, "pinned memory for a slot")),
      margins_(pinned_floats(max_batch, "pinned memory for a slot")),
      stream_(new_stream()) {
  for (std::size_t n_rows = 1; n_rows <= max_batch; n_rows *= 2) {
    enqueue(network, n_rows);  // loads the kernels, which a capture must not
    check(cudaStreamSynchronize(stream_.get()), "the first pass");
    graphs_.push_back(capture(network, n_rows));
    check(cudaGraphLaunch(graphs_.back().get(), stream_.get()), "a graph's first launch");
    check(cudaStreamSynchronize(stream_.get()), "a graph's first pass");
  }
}

void Slot::enqueue(const DeviceNetwork& network, std::size_t n_rows) {
  auto* workspace = reinterpret_cast<float*>(workspace_.get());
  check(cudaMemcpyAsync(workspace + layout_.encoded, encoded_.get(), n_rows * n_encoded_ * sizeof(float),
                        cudaMemcpyHostToDevice, stream_.get()),
        "a batch's way to the device");
  network.enqueue(workspace, layout_, n_rows, stream_.get());
  check(cudaMemcpyAsync(margins_.get(), workspace + layout_.margins, n_rows * sizeof(float), cudaMemcpyDeviceToHost,
                        stream_.get()),
        "a batch's way back");
}

GraphExec Slot::capture(const DeviceNetwork& network, std::size_t n_rows) {
  // Thread-local: other threads may use CUDA as they like meanwhile.
  check(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeThreadLocal), "a capture");
  cudaGraph_t captured = nullptr;
  try {
    enqueue(network, n_rows);
  } catch (...) {
    cudaStreamEndCapture(stream_.get(), &captured);
    const Graph dropped(captured);
    throw;
  }
  check(cudaStreamEndCapture(stream_.get(), &captured), "a capture");
  const Graph graph(captured);
  cudaGraphExec_t executable = nullptr;
  check(cudaGraphInstantiate(&executable, graph.get(), 0), "a graph");
  return GraphExec(executable);
}

void Slot::start(BatchView encoded) {
  float* to = encoded_.get();
  if (encoded.stride == n_encoded_) {
    std::memcpy(to, encoded.data, encoded.n_rows * n_encoded_ * sizeof(float));
  } else {
    for (std::size_t i = 0; i < encoded.n_rows; ++i)
      std::memcpy(to + i * n_encoded_, encoded.row(i).data(), n_encoded_ * sizeof(float));
  }
  // Rows behind the batch are an earlier batch's: they are computed again, and no one reads them.
  const auto bucket = static_cast<std::size_t>(std::bit_width(encoded.n_rows - 1));
  check(cudaGraphLaunch(graphs_[bucket].get(), stream_.get()), "a batch");
}

void Slot::finish(std::span<float> margins) {
  check(cudaStreamSynchronize(stream_.get()), "a batch");
  std::copy_n(margins_.get(), margins.size(), margins.begin());
}

}  // namespace sluice::dnn::cuda
