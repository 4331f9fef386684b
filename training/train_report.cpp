#include "sluice/base/json_fields.h"
#include "sluice/training/train.h"

namespace sluice::training {

std::string TrainReport::to_json() const {
  Json json = {{"rows", {{"train", n_train}, {"valid", n_valid}, {"test", n_test}}},
               {"bad_rate", bad_rate},
               {"costs", Json::parse(costs.to_json())},
               {"figures", Json::array()},
               {"band", nullptr},
               {"share_of_cost_reduction", nullptr},
               {"forest_search", search_log},
               {"network_epochs", network_epochs},
               {"warnings", warnings}};
  for (const Figures& f : figures)
    json["figures"].push_back({{"name", f.name},
                               {"auc", f.auc},
                               {"log_loss", f.log_loss},
                               {"calibration_error", f.calibration_error},
                               {"cost", f.cost},
                               {"share_forwarded", f.share_forwarded}});
  if (band.band)
    json["band"] = {{"low", band.band->low},
                    {"high", band.band->high},
                    {"gain", band.gain},
                    {"standard_error", band.standard_error},
                    {"share", band.share}};
  if (share_of_cost_reduction) json["share_of_cost_reduction"] = *share_of_cost_reduction;
  return json.dump(1) + "\n";
}

void apply_config(std::string_view text, std::string_view source_view, TrainRequest& request) {
  const std::string source(source_view);
  const Json json = parse_json(text, source, "train_config.json");
  std::vector<Diagnostic> diagnostics;
  const auto read = [&](JsonFields& fields, const char* key, auto& value, double low, double high) {
    using T = std::decay_t<decltype(value)>;
    if constexpr (std::is_floating_point_v<T>)
      value = fields.number(key, value, low, high);
    else
      value = static_cast<T>(fields.integer(key, static_cast<std::int64_t>(value), static_cast<std::int64_t>(low),
                                            static_cast<std::int64_t>(high)));
  };
  JsonFields fields(json, "", source, "train_config", diagnostics);
  if (const Json* child = fields.child("forest")) {
    JsonFields forest(*child, "/forest", source, "train_config", diagnostics);
    auto& o = request.forest_options;
    read(forest, "search", o.n_search, 1, 1000);
    read(forest, "folds", o.n_folds, 2, 20);
    read(forest, "max_rounds", o.max_rounds, 1, 100000);
    read(forest, "early_stopping_rounds", o.early_stopping_rounds, 1, 10000);
    o.serve_bag = forest.word("serve", o.serve_bag ? "bag" : "refit", {"bag", "refit"}) == "bag";
    forest.finish();
  }
  if (const Json* child = fields.child("network")) {
    JsonFields network(*child, "/network", source, "train_config", diagnostics);
    auto& o = request.network_options;
    if (network.has("hidden")) {
      o.hidden.clear();
      for (const double width : network.numbers("hidden"))
        o.hidden.push_back(static_cast<std::size_t>(width >= 1 ? width : 0));
    }
    read(network, "members", o.n_members, 1, 64);
    read(network, "dropout", o.dropout, 0, 0.95);
    read(network, "learning_rate", o.learning_rate, 1e-8, 10);
    read(network, "weight_decay", o.weight_decay, 0, 10);
    read(network, "clip_norm", o.clip_norm, 0, 1e6);
    read(network, "batch_size", o.batch_size, 1, 1000000);
    read(network, "max_epochs", o.max_epochs, 0, 100000);
    read(network, "patience", o.patience, 1, 100000);
    network.finish();
  }
  if (const Json* child = fields.child("band")) {
    JsonFields band(*child, "/band", source, "train_config", diagnostics);
    read(band, "max_forward", request.band.max_forward, 0, 1);
    read(band, "cells", request.band.n_cells, 2, 10000);
    read(band, "least_z", request.band.least_z, -1e9, 1e9);
    band.finish();
  }
  fields.finish();
  throw_if_errors(diagnostics);
}

}  // namespace sluice::training
