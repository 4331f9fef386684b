#include "sluice/dnn/cuda/slot.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sluice::dnn::cuda {

Slot::Slot(const DeviceNetwork& network, std::size_t max_batch)
    : n_encoded_(network.packed().n_encoded),
      layout_(layout_of(network.packed(), max_batch)),
      workspace_(device_bytes(layout_.n_floats * sizeof(float), "allocate memory for a slot")),
      encoded_(pinned_floats(max_batch * n_encoded_, "allocate pinned memory for a slot")),
      margins_(pinned_floats(max_batch, "allocate pinned memory for a slot")),
      stream_(new_stream()) {
  for (std::size_t n_rows = 1; n_rows <= max_batch; n_rows *= 2) {
    enqueue(network, n_rows);  // loads the kernels, which is not allowed during a capture
    check(cudaStreamSynchronize(stream_.get()), "run the first pass");
    graphs_.push_back(capture(network, n_rows));
    check(cudaGraphLaunch(graphs_.back().get(), stream_.get()), "launch a graph for the first time");
    check(cudaStreamSynchronize(stream_.get()), "run a graph for the first time");
  }
}

void Slot::enqueue(const DeviceNetwork& network, std::size_t n_rows) {
  auto* workspace = reinterpret_cast<float*>(workspace_.get());
  check(cudaMemcpyAsync(workspace + layout_.encoded, encoded_.get(), n_rows * n_encoded_ * sizeof(float),
                        cudaMemcpyHostToDevice, stream_.get()),
        "copy a batch to the device");
  network.enqueue(workspace, layout_, n_rows, stream_.get());
  check(cudaMemcpyAsync(margins_.get(), workspace + layout_.margins, n_rows * sizeof(float), cudaMemcpyDeviceToHost,
                        stream_.get()),
        "copy a batch back");
}

GraphExec Slot::capture(const DeviceNetwork& network, std::size_t n_rows) {
  // Thread-local: other threads may use CUDA during the capture.
  check(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeThreadLocal), "begin a capture");
  cudaGraph_t captured = nullptr;
  try {
    enqueue(network, n_rows);
  } catch (...) {
    cudaStreamEndCapture(stream_.get(), &captured);
    const Graph dropped(captured);
    throw;
  }
  check(cudaStreamEndCapture(stream_.get(), &captured), "end a capture");
  const Graph graph(captured);
  cudaGraphExec_t executable = nullptr;
  check(cudaGraphInstantiate(&executable, graph.get(), 0), "instantiate a graph");
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
  // Rows after the batch belong to an earlier batch: they are computed again, and nothing reads them.
  const auto bucket = static_cast<std::size_t>(std::bit_width(encoded.n_rows - 1));
  check(cudaGraphLaunch(graphs_[bucket].get(), stream_.get()), "launch a batch");
}

void Slot::finish(std::span<float> margins) {
  check(cudaStreamSynchronize(stream_.get()), "run a batch");
  std::copy_n(margins_.get(), margins.size(), margins.begin());
}

}  // namespace sluice::dnn::cuda
