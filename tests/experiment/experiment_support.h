#pragma once
/// A log of decisions in experiments' arms, and the decisions that were written to it.

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "audit/log_support.h"
#include "sluice/base/file.h"
#include "sluice/base/random.h"
#include "sluice/experiment/plan.h"

namespace sluice::test {

constexpr std::int64_t kDay = 86'400'000'000;

/// Two layers. Experiment "a" has three arms, a shadow and a ramp step one day after kNoon; "b" has two arms.
inline const char* kTwoExperiments = R"({
 "plan_version": 4,
 "layers": [{"name": "l", "key": "customer", "salt": "l1"}, {"name": "m", "key": "customer", "salt": "l2"}],
 "experiments": [
  {"name": "a", "layer": "l", "salt": "s9", "buckets": [0, 9000], "start": "2023-11-14T00:00:00Z",
   "arms": [{"name": "now", "share": 0.6}, {"name": "x", "share": 0.4, "challenger": {"kind": "bundle", "ref": "b"}},
            {"name": "y", "share": 0, "challenger": {"kind": "policy", "ref": "p"}},
            {"name": "w", "shadow": true, "challenger": {"kind": "bundle", "ref": "w"}}],
   "ramp": [{"from": "2023-11-15T22:13:20Z", "shares": [0.3, 0.5, 0.2]}]},
  {"name": "b", "layer": "m", "salt": "s2", "buckets": [0, 10000],
   "arms": [{"name": "now", "share": 0.5}, {"name": "z", "share": 0.5, "challenger": {"kind": "rules", "ref": "r"}}]}]})";

struct LoggedDecision {
  std::string id, arm;
  std::size_t day = 0;  // after kNoon
  cascade::Action action = cascade::Action::none;
  cascade::Level level = cascade::Level::L0;
  bool forwarded = false;
  std::optional<cascade::Action> shadow;
  std::optional<bool> bad;  // nullopt: no label
  double amount = 0;
};

/// Writes log/, plan.json and labels.csv (number, outcome, worth). Actions depend on the arm and on the label.
class ExperimentLog {
 public:
  explicit ExperimentLog(const std::filesystem::path& folder, std::size_t n = 3000)
      : plan(experiment::parse_experiments(kTwoExperiments, "plan.json")) {
    const Decided decided;
    Random random(12);
    audit::Log log(folder / "log");
    for (std::size_t i = 0; i < n; ++i) {
      LoggedDecision d = draw(i, n, random);
      cascade::Decision decision = decided.decisions[i % decided.decisions.size()];
      decision.action = d.action;
      d.level = decision.level;
      d.forwarded = decision.network.ran;
      const audit::ShadowResult shadow{.action = d.shadow.value_or(cascade::Action::none)};
      const std::int64_t time_us = kNoon + static_cast<std::int64_t>(d.day) * kDay + static_cast<std::int64_t>(i);
      log.append(*decided.bundle, decision,
                 {.id = d.id,
                  .subject = log.subject_reference(std::to_string(i / 2)),
                  .time_in_us = time_us,
                  .time_out_us = time_us,
                  .arm = d.arm,
                  .row = decided.rows.row(i % decided.decisions.size()),
                  .shadow = d.shadow ? &shadow : nullptr});
      decisions.push_back(d);
    }
    log.close();
    write_file(folder / "plan.json", kTwoExperiments);
    write_file(folder / "labels.csv", labels());
  }

  const experiment::ExperimentPlan plan;
  std::vector<LoggedDecision> decisions;

 private:
  LoggedDecision draw(std::size_t i, std::size_t n, Random& random) const {
    using cascade::Action;
    LoggedDecision d{.id = "r" + std::to_string(i), .day = 2 * i / n, .amount = 1 + std::floor(random.uniform(0, 900))};
    const std::int64_t time_us = kNoon + static_cast<std::int64_t>(d.day) * kDay + static_cast<std::int64_t>(i);
    d.arm = experiment::arm_text(plan, plan.assign("customer " + std::to_string(i), time_us));
    const bool is_bad = random.uniform() < 0.2, sees = random.uniform() < (d.arm.starts_with("a/x") ? 0.9 : 0.6);
    d.action = !sees ? Action::review : is_bad ? Action::decline : Action::approve;
    if (d.arm.starts_with("a/")) d.shadow = random.below(4) == 0 ? Action::decline : d.action;
    if (random.below(10) != 0) d.bad = is_bad;
    return d;
  }

  std::string labels() const {
    std::string csv = "number,worth,outcome,other\n";
    for (const auto& d : decisions)
      csv += d.id + "," + std::to_string(d.amount) + "," + (d.bad ? *d.bad ? "1" : "no" : "") + ",x\n";
    return csv;
  }
};

}  // namespace sluice::test
