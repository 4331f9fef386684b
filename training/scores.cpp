#include <cmath>

#include "sluice/training/pipeline.h"

namespace sluice::training {

void score_forest(const Models& models, Part& part) {
  part.staged.resize(part.rows.n_rows());
  models.forest_stage->score(part.rows.view(), part.staged);
}

void score_probabilities(const Models& models, Part& part) {
  const std::size_t n = part.rows.n_rows();
  part.p_forest.resize(n);
  part.p_network.assign(n, std::nan(""));
  part.network_margins.resize(n);
  if (models.network_stage)
    models.network_stage->score(part.rows.view(), part.staged, part.network_margins, cascade::Deadline::none());
  for (std::size_t i = 0; i < n; ++i) {
    part.p_forest[i] = models.calibration.forest.probability(part.staged[i].back());
    if (models.network_stage) part.p_network[i] = models.calibration.network.probability(part.network_margins[i]);
  }
}

std::vector<double> probabilities_of(const gbdt::Forest& forest, const Schema& schema, const Part& valid,
                                     const Part& part) {
  const auto stage = cascade::make_forest_stage(std::make_shared<const std::vector<gbdt::Forest>>(1, forest), schema);
  const auto margins_of = [&](const Part& of) {
    std::vector<dnn::PrefixMargins> staged(of.rows.n_rows());
    stage->score(of.rows.view(), staged);
    std::vector<float> margins;
    for (const auto& s : staged) margins.push_back(s.back());
    return margins;
  };
  const cascade::Platt calibration = cascade::fit_platt(margins_of(valid), valid.labels);
  std::vector<double> p;
  for (const float margin : margins_of(part)) p.push_back(calibration.probability(margin));
  return p;
}

}  // namespace sluice::training
