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
               {"network_history", Json::array()},
               {"warnings", warnings}};
  for (const Figures& f : figures)
    json["figures"].push_back({{"name", f.name},
                               {"auc", f.auc},
                               {"log_loss", f.log_loss},
                               {"calibration_error", f.calibration_error},
                               {"cost", f.cost},
                               {"share_forwarded", f.share_forwarded}});
  for (const auto& member : network_history) {
    Json& epochs = json["network_history"].emplace_back(Json::array());
    for (const dnn::EpochReport& e : member)
      epochs.push_back({{"epoch", e.epoch},
                        {"train_loss", e.train_loss},
                        {"loss", e.loss},
                        {"auc", e.auc},
                        {"learning_rate", e.learning_rate}});
  }
  if (band.band)
    json["band"] = {{"low", band.band->low},
                    {"high", band.band->high},
                    {"gain", band.gain},
                    {"standard_error", band.standard_error},
                    {"share", band.share}};
  if (band.band && band.band->min_gain) json["band"]["min_gain"] = *band.band->min_gain;
  if (share_of_cost_reduction) json["share_of_cost_reduction"] = *share_of_cost_reduction;
  return json.dump(1) + "\n";
}

}  // namespace sluice::training
