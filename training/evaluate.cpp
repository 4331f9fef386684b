#include <limits>

#include "sluice/base/metrics.h"
#include "sluice/cascade/routing.h"
#include "sluice/training/pipeline.h"

namespace sluice::training {
namespace {

constexpr float kNoGain = std::numeric_limits<float>::quiet_NaN();

/// The figures of probabilities `p`; row i was forwarded if forwarded[i].
Figures figures_of(std::string name, const std::vector<double>& p, const std::vector<char>& forwarded, const Part& part,
                   const cascade::Cutoffs& cutoffs, const cascade::Costs& costs, double price) {
  Figures f;
  f.name = std::move(name);
  f.auc = sluice::auc(p, part.labels);
  f.log_loss = sluice::log_loss(p, part.labels);
  f.calibration_error = sluice::calibration_error(p, part.labels);
  const auto n = static_cast<double>(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    f.cost += (costs.of(cutoffs.decide(p[i]), part.labels[i] > 0.5f) + (forwarded[i] ? price : 0)) / n;
    f.share_forwarded += (forwarded[i] ? 1 : 0) / n;
  }
  return f;
}

}  // namespace

bool is_forwarded(const cascade::Policy& policy, const Part& part, std::size_t i) {
  return cascade::route_of(policy.band, part.p_forest[i], part.gains.empty() ? kNoGain : part.gains[i]).is_forwarded;
}

void evaluate(const cascade::Policy& policy, const Schema& schema, const Part& test, bool has_network,
              TrainReport& report) {
  const std::size_t n = test.labels.size();
  const double price = cascade::price_of_forwarding(report.costs, schema);
  const std::vector<char> nobody(n, 0), everybody(n, 1);
  report.figures.push_back(figures_of("forest", test.p_forest, nobody, test, policy.level0, report.costs, price));
  if (!has_network) return;
  std::vector<double> p = test.p_forest;
  std::vector<char> forwarded(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    if (!is_forwarded(policy, test, i)) continue;
    forwarded[i] = 1;
    p[i] = test.p_network[i];
  }
  report.figures.push_back(figures_of("network", test.p_network, everybody, test, policy.level0, report.costs, price));
  report.figures.push_back(figures_of("cascade", p, forwarded, test, policy.level0, report.costs, price));
  const auto& figures = report.figures;
  const double forest = figures[figures.size() - 3].cost, network = figures[figures.size() - 2].cost,
               cascade = figures.back().cost;
  if (forest > network) report.share_of_cost_reduction = (forest - cascade) / (forest - network);
}

void evaluate_peer(const std::string& name, const std::vector<double>& p, const cascade::Policy& policy,
                   const Part& test, TrainReport& report) {
  report.figures.push_back(figures_of(name, p, std::vector<char>(p.size(), 0), test, policy.level0, report.costs, 0));
}

}  // namespace sluice::training
