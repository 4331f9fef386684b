#include "sluice/training/pipeline.h"

namespace sluice::training {
namespace {

#ifdef SLUICE_HAVE_TORCH
FloatTable encode_rows(const dnn::Encoder& encoder, const Part& part, const FloatTable& forest) {
  FloatTable encoded(encoder.n_encoded(), part.rows.n_rows());
  for (std::size_t i = 0; i < part.rows.n_rows(); ++i) encoder.encode(part.rows.row(i), forest.row(i), encoded.row(i));
  return encoded;
}
#endif

}  // namespace

#ifdef SLUICE_HAVE_TORCH
void train_network_stage(const TrainRequest& request, const Schema& schema, const Part& train, const Part& valid,
                         Models& models, TrainReport& report, const Progress& progress) {
  const FloatTable train_forest = cascade::join_signals(train.staged, train.signals),
                   valid_forest = cascade::join_signals(valid.staged, valid.signals);
  dnn::Encoder encoder = dnn::Encoder::fit(schema, train.rows.view(), train_forest.view(), request.signals);
  const FloatTable train_rows = encode_rows(encoder, train, train_forest),
                   valid_rows = encode_rows(encoder, valid, valid_forest);
  const auto on_epoch = [&](const dnn::EpochReport& epoch) {
    if (epoch.member >= report.network_history.size()) report.network_history.resize(epoch.member + 1);
    report.network_history[epoch.member].push_back(epoch);
    if (request.on_epoch) request.on_epoch(epoch);
  };
  dnn::TrainedNetwork trained =
      dnn::train_network(encoder, {train_rows.view(), train.labels}, {valid_rows.view(), valid.labels},
                         request.network_options, progress, on_epoch);
  models.network_tensors = dnn::write_safetensors(trained.tensors);
  models.network = std::make_shared<const dnn::Network>(std::move(encoder), trained.shapes, trained.tensors, "network");
  report.network_epochs = std::move(trained.epochs);
}
#else
void train_network_stage(const TrainRequest&, const Schema&, const Part&, const Part&, Models&, TrainReport&,
                         const Progress&) {
  throw Error("training.no_torch", "this build has no LibTorch, which training a network needs",
              "use --network none, or build with LibTorch (script/setup installs it)");
}
#endif

}  // namespace sluice::training
