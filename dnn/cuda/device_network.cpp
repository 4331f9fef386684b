#include "sluice/dnn/cuda/device_network.h"

#include <span>
#include <utility>

namespace sluice::dnn::cuda {
namespace {

template <class T>
DeviceBytes upload(std::span<const T> values) {
  DeviceBytes memory = device_bytes(values.size_bytes(), "allocate memory for the weights");
  check(cudaMemcpy(memory.get(), values.data(), values.size_bytes(), cudaMemcpyHostToDevice), "upload the weights");
  check(cudaStreamSynchronize(nullptr), "upload the weights");
  return memory;
}

}  // namespace

DeviceNetwork::DeviceNetwork(PackedNetwork packed, std::size_t n_processors)
    : packed_(std::move(packed)),
      n_processors_(n_processors),
      floats_(upload<float>(packed_.floats)),
      sources_(upload<InputSource>(packed_.sources)),
      n_paths_(upload<std::uint32_t>(packed_.n_paths)) {
  packed_.floats = {};
  packed_.sources = {};
}

void DeviceNetwork::enqueue(float* workspace, const WorkspaceLayout& layout, std::size_t n_rows,
                            cudaStream_t stream) const {
  float* outputs = workspace + layout.outputs;
  for (const PackedMember& member : packed_.members) {
    enqueue_member(member, workspace, layout, n_rows, outputs, stream);
    outputs += n_rows * member.n_paths;
  }
  check(launch(MeanLaunch{.outputs = workspace + layout.outputs,
                          .n_paths = reinterpret_cast<const std::uint32_t*>(n_paths_.get()),
                          .n_members = packed_.members.size(),
                          .n_rows = n_rows,
                          .margins = workspace + layout.margins},
               stream),
        "launch the means");
}

void DeviceNetwork::enqueue_member(const PackedMember& member, float* workspace, const WorkspaceLayout& layout,
                                   std::size_t n_rows, float* outputs, cudaStream_t stream) const {
  const auto* floats = reinterpret_cast<const float*>(floats_.get());
  const float* encoded = workspace + layout.encoded;
  const std::size_t n_pairs = n_rows * member.n_paths, stride = round_up(n_pairs, kPairPad);
  float *x = workspace + layout.activations[0], *y = workspace + layout.activations[1];
  check(launch(InputsLaunch{.encoded = encoded,
                            .n_encoded = packed_.n_encoded,
                            .n_rows = n_rows,
                            .sources = reinterpret_cast<const InputSource*>(sources_.get()) + member.sources,
                            .edges = floats + member.edges,
                            .values = floats + member.values,
                            .slopes = floats + member.slopes,
                            .scale = member.n_paths > 1 ? floats + member.scale : nullptr,
                            .n_inputs = member.n_inputs,
                            .n_paths = member.n_paths,
                            .x = x,
                            .stride = stride},
               stream),
        "launch the inputs");
  for (const PackedLayer& layer : member.layers) {
    check(launch(LayerLaunch{.x = x,
                             .weight = floats + layer.weight,
                             .bias = floats + layer.bias,
                             .y = y,
                             .n_in = layer.n_in,
                             .n_out = layer.n_out,
                             .weight_stride = layer.weight_stride,
                             .n_pairs = n_pairs,
                             .stride = stride},
                 n_processors_, stream),
          "launch a layer");
    std::swap(x, y);
  }
  check(launch(HeadLaunch{.x = x,
                          .encoded = encoded,
                          .weight = floats + member.head_weight,
                          .bias = floats + member.head_bias,
                          .a = floats + member.a,
                          .b = floats + member.b,
                          .n_in = member.n_last,
                          .n_paths = member.n_paths,
                          .n_pairs = n_pairs,
                          .stride = stride,
                          .n_encoded = packed_.n_encoded,
                          .outputs = outputs},
               stream),
        "launch the heads");
}

}  // namespace sluice::dnn::cuda
