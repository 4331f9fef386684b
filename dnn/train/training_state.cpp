#include <nlohmann/json.hpp>

#include "sluice/base/error.h"
#include "sluice/dnn/train/member_training.h"

namespace sluice::dnn {
namespace {

Tensor to_tensor(const torch::Tensor& from) {
  const auto flat = from.detach().to(torch::kCPU).contiguous();
  return {{static_cast<std::size_t>(flat.numel())}, {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()}};
}

torch::Tensor from_tensor(const Tensor& from) {
  return torch::tensor(at::ArrayRef<float>(from.values.data(), from.values.size()));
}

}  // namespace

/// A line of JSON, then safetensors.
std::string TrainingState::to_bytes(const std::string& digest) const {
  const nlohmann::json head = {{"digest", digest},
                               {"step", step},
                               {"epoch", epoch},
                               {"best_epoch", best_epoch},
                               {"restarts", n_restarts},
                               {"best_loss", best_loss},
                               {"rate_share", rate_share},
                               {"last_cut", last_cut},
                               {"loss_scale", loss_scale.factor},
                               {"good_steps", loss_scale.n_good}};
  return head.dump() + "\n" +
         write_safetensors({{"parameters", to_tensor(parameters)},
                            {"best_parameters", to_tensor(best_parameters)},
                            {"moments", to_tensor(moments)},
                            {"squares", to_tensor(squares)}});
}

TrainingState TrainingState::from_bytes(std::string_view bytes, const std::string& digest, const std::string& source) {
  try {
    const std::size_t end = bytes.find('\n');
    const auto head = nlohmann::json::parse(bytes.substr(0, end));
    if (head.at("digest").get<std::string>() != digest)
      throw Error("training.checkpoint", source + ": the checkpoint belongs to other data or options",
                  "remove the folder to start again, or use the original data and options");
    const Tensors tensors = read_safetensors(bytes.substr(end + 1), source);
    TrainingState state;
    state.parameters = from_tensor(tensors.at("parameters"));
    state.best_parameters = from_tensor(tensors.at("best_parameters"));
    state.moments = from_tensor(tensors.at("moments"));
    state.squares = from_tensor(tensors.at("squares"));
    state.step = head.at("step").get<std::uint64_t>();
    state.epoch = head.at("epoch").get<std::size_t>();
    state.best_epoch = head.at("best_epoch").get<std::size_t>();
    state.n_restarts = head.at("restarts").get<std::size_t>();
    state.best_loss = head.at("best_loss").get<double>();
    state.rate_share = head.at("rate_share").get<double>();
    state.last_cut = head.at("last_cut").get<std::size_t>();
    state.loss_scale.factor = head.at("loss_scale").get<double>();
    state.loss_scale.n_good = head.at("good_steps").get<std::size_t>();
    return state;
  } catch (const std::exception& e) {
    if (dynamic_cast<const Error*>(&e) != nullptr) throw;
    throw Error("training.checkpoint", source + ": the checkpoint cannot be read: " + e.what(),
                "remove the folder to start again");
  }
}

}  // namespace sluice::dnn
