// Compares the report with sums over the decisions that were written to the log.
#include "sluice/experiment/report.h"

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "experiment/experiment_support.h"
#include "sluice/experiment/report_html.h"
#include "sluice/experiment/report_json.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {

using namespace audit;
using namespace experiment;
using cascade::Action;

namespace {

const cascade::Costs kCosts{.false_positive = 0.1, .false_negative = 0.7, .review = 3, .network_call = 0.25};

double plain_cost(Action action, bool is_bad, double amount, bool forwarded) {
  const double mistake = action == Action::approve && is_bad    ? 0.7 * amount
                         : action == Action::decline && !is_bad ? 0.1 * amount
                         : action == Action::review             ? 3
                                                                : 0;
  return mistake + (forwarded ? 0.25 : 0);
}

bool is_of(const LoggedDecision& d, const std::string& arm) {
  return (" " + d.arm + " ").find(" " + arm + " ") != std::string::npos;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

/// The difference by its definition: computes the means of the earlier decisions again for each decision.
double plain_difference(const ExperimentLog& log, const std::string& arm, const std::vector<double>& p_of_day,
                        const std::function<std::optional<double>(const LoggedDecision&)>& outcome) {
  std::vector<double> champion, challenger, effects, weights;
  for (const auto& d : log.decisions) {
    const bool is_challenger = is_of(d, arm);
    const double p = p_of_day[d.day];
    const auto y = outcome(d);
    if ((!is_challenger && !is_of(d, "a/now")) || p == 0 || !y) continue;
    if (!champion.empty() && !challenger.empty()) {
      const double m1 = mean(challenger), m0 = mean(champion);
      weights.push_back(p * (1 - p));
      effects.push_back(weights.back() * (m1 - m0 + (is_challenger ? (*y - m1) / p : -(*y - m0) / (1 - p))));
    }
    (is_challenger ? challenger : champion).push_back(*y);
  }
  return mean(effects) / mean(weights);
}

struct Told {
  TempDir dir;
  ExperimentLog log{dir.path()};
  OutcomeLabels labels = OutcomeLabels::read((dir / "labels.csv").string(), {"number", "outcome", "worth"});
  ExperimentReport report = experiment_report(dir / "log", log.plan, {.labels = &labels, .costs = kCosts});
};

}  // namespace

TEST_CASE("an arm's figures equal sums over its records") {
  const Told told;
  REQUIRE(told.report.experiments.size() == 2);
  CHECK(told.report.n_records == told.log.decisions.size());
  for (const auto& e : told.report.experiments)
    for (const auto& arm : e.arms) {
      CAPTURE(e.name, arm.name);
      std::vector<double> costs, bad;
      std::array<double, 4> actions{}, levels{};
      double n = 0;
      for (const auto& d : told.log.decisions) {
        if (!is_of(d, e.name + "/" + arm.name)) continue;
        ++n;
        ++actions[static_cast<std::size_t>(d.action)];
        ++levels[static_cast<std::size_t>(d.level)];
        if (!d.bad) continue;
        costs.push_back(plain_cost(d.action, *d.bad, d.amount, d.forwarded));
        if (d.action == Action::approve) bad.push_back(*d.bad);
      }
      REQUIRE(n > 100);
      CHECK(static_cast<double>(arm.n) == n);
      CHECK(arm.n_labelled == costs.size());
      CHECK(arm.cost.value == Approx(mean(costs)).epsilon(1e-9));
      CHECK(arm.bad_rate_approved.value == Approx(mean(bad)).margin(1e-12));
      for (std::size_t i = 0; i < 4; ++i) {
        CHECK(arm.actions[i].value == Approx(actions[i] / n).margin(1e-12));
        CHECK(arm.levels[i].value == Approx(levels[i] / n).margin(1e-12));
        CHECK((arm.actions[i].low >= 0 && arm.actions[i].low <= arm.actions[i].value));
        CHECK((arm.actions[i].high <= 1 && arm.actions[i].high >= arm.actions[i].value));
      }
    }
}

TEST_CASE("differences from the champion weight each decision by the shares at its time") {
  const Told told;
  const auto& arms = told.report.experiments[0].arms;
  const auto approved = [](const LoggedDecision& d) { return std::optional<double>(d.action == Action::approve); };
  const auto cost = [](const LoggedDecision& d) {
    return d.bad ? std::optional(plain_cost(d.action, *d.bad, d.amount, d.forwarded)) : std::nullopt;
  };
  const std::vector<double> p_x = {0.4, 0.5 / 0.8}, p_y = {0, 0.2 / 0.5};
  CHECK(arms[1].approve_difference.value == Approx(plain_difference(told.log, "a/x", p_x, approved)).epsilon(1e-9));
  CHECK(arms[2].approve_difference.value == Approx(plain_difference(told.log, "a/y", p_y, approved)).epsilon(1e-9));
  CHECK(arms[1].cost_difference.value == Approx(plain_difference(told.log, "a/x", p_x, cost)).epsilon(1e-9));
  CHECK(std::isnan(arms[0].cost_difference.value));
  CHECK(arms[1].approve_difference.low > 0);  // x approves more, by construction
}

TEST_CASE("expected decisions follow the ramp, and the ratio of a sound log fits") {
  const Told told;
  const auto& e = told.report.experiments[0];
  double n_day[2] = {0, 0};
  for (const auto& d : told.log.decisions) n_day[d.day] += d.arm.starts_with("a/");
  CHECK(static_cast<double>(e.n) == n_day[0] + n_day[1]);
  CHECK(e.arms[0].n_expected == Approx(0.6 * n_day[0] + 0.3 * n_day[1]));
  CHECK(e.arms[2].n_expected == Approx(0.2 * n_day[1]));
  CHECK(told.report.is_sound());
}

TEST_CASE("the shadow is compared with the acting arm in the same records") {
  const Told told;
  const auto& shadow = told.report.experiments[0].shadow;
  REQUIRE(shadow.has_value());
  CHECK_FALSE(told.report.experiments[1].shadow.has_value());
  std::array<std::array<std::uint64_t, 4>, 4> actions{};
  std::vector<double> changed, costs;
  for (const auto& d : told.log.decisions) {
    if (!d.shadow) continue;
    ++actions[static_cast<std::size_t>(d.action)][static_cast<std::size_t>(*d.shadow)];
    changed.push_back(d.action != *d.shadow);
    if (d.bad)
      costs.push_back(plain_cost(*d.shadow, *d.bad, d.amount, false) -
                      plain_cost(d.action, *d.bad, d.amount, d.forwarded));
  }
  CHECK(shadow->name == "w");
  CHECK(shadow->n == changed.size());
  CHECK(shadow->actions == actions);
  CHECK(shadow->changed.value == Approx(mean(changed)));
  CHECK(shadow->cost_difference.value == Approx(mean(costs)));
}

TEST_CASE("with first_of_subject only the first decision of each subject counts") {
  const Told told;
  const auto& all = told.report.experiments[1];
  CHECK(all.n == 3000);
  CHECK(all.n_subjects == 1500);
  const auto first = experiment_report(told.dir / "log", told.log.plan, {.first_of_subject = true});
  CHECK(first.experiments[1].n == 1500);
  double n_now = 0;
  for (std::size_t i = 0; i < told.log.decisions.size(); i += 2) n_now += is_of(told.log.decisions[i], "b/now");
  CHECK(static_cast<double>(first.experiments[1].arms[0].n) == n_now);
  CHECK_FALSE(first.costs.has_value());
  CHECK(std::isnan(first.experiments[1].arms[0].cost.value));
}

TEST_CASE("records that do not fit the plan are counted separately, and the report is not sound") {
  const TempDir dir;
  const Decided decided;
  {
    Log log(dir / "log");
    const auto append = [&](const char* arm, std::int64_t time_us, std::uint64_t subject) {
      log.append(*decided.bundle, decided.decisions[0],
                 {.id = "r", .subject = subject, .time_in_us = time_us, .arm = arm, .row = decided.rows.row(0)});
    };
    append("a/now", kNoon, 1);
    append("a/y", kNoon, 1);               // its share is 0 until the second day
    append("a/gone b/z", kNoon, 1);        // no such arm
    append("a/now", kNoon - 2 * kDay, 1);  // before the start
    append("c/now", kNoon, 1);             // no such experiment
    append("champion", kNoon, 1);          // not the text of an assignment
    append("", kNoon, 0);
    append("b/z", kNoon, 0);
  }
  const auto plan = experiment::parse_experiments(kTwoExperiments, "plan.json");
  const auto report = experiment_report(dir / "log", plan);
  CHECK(report.experiments[0].n == 1);
  CHECK(report.experiments[0].n_unknown_arm == 2);
  CHECK(report.experiments[0].n_not_running == 1);
  CHECK(report.experiments[1].n == 2);
  CHECK(report.n_foreign == 2);
  CHECK(report.n_records == 8);
  CHECK_FALSE(report.is_sound());
  CHECK(report.warnings().size() == 3);
  CHECK(code_of([&] { experiment_report(dir / "log", plan, {.first_of_subject = true}); }) == "experiment.no_subject");
}

TEST_CASE("lost records of one arm give a sample ratio that does not fit the plan") {
  const TempDir dir;
  const Decided decided;
  const auto plan = experiment::parse_experiments(kTwoExperiments, "plan.json");
  {
    Log log(dir / "log");
    for (int i = 0; i < 2000; ++i) {
      const std::string arm = experiment::arm_text(plan, plan.assign("customer " + std::to_string(i), kNoon));
      if (i % 4 == 0 && arm.ends_with("b/z")) continue;
      log.append(*decided.bundle, decided.decisions[0], {.time_in_us = kNoon, .arm = arm, .row = decided.rows.row(0)});
    }
  }
  const auto report = experiment_report(dir / "log", plan);
  CHECK(report.experiments[0].ratio_fits());
  CHECK_FALSE(report.experiments[1].ratio_fits());
  CHECK(report.experiments[1].ratio_p < 1e-3);
}

TEST_CASE("with arms assigned by the plan, the ratio test fails for at most alpha of all salts") {
  const std::string plan_text = kTwoExperiments;
  const std::size_t salt_at = plan_text.find("\"s2\"");
  int n_alarms = 0;
  for (int salt = 0; salt < 300; ++salt) {
    std::string text = plan_text;
    text.replace(salt_at, 4, "\"salt " + std::to_string(salt) + "\"");
    const auto plan = experiment::parse_experiments(text, "plan.json");
    SampleRatioTest test;
    for (int key = 0; key < 1500; ++key) {
      const auto assignment = plan.assign(std::to_string(key), kNoon);
      for (const auto& place : assignment.places())
        if (place.experiment == 1) test.add(place.arm, 0, plan.experiments()[1].steps[0].shares);
    }
    n_alarms += test.p_value() < 0.05;
  }
  CAPTURE(n_alarms);
  CHECK(n_alarms <= 0.05 * 300);
}

TEST_CASE("invalid labels are refused with their location") {
  const TempDir dir;
  const auto code = [&](const std::string& csv, const char* amount = "") {
    write_file(dir / "l.csv", csv);
    return code_of([&] { OutcomeLabels::read((dir / "l.csv").string(), {"id", "bad", amount}); });
  };
  CHECK(code("id,bad\na,1\nb,0\nc,\nc,NA\n") == "");
  CHECK(code("id,bad\na,True\nb,no\nc,0.0\n") == "");
  CHECK(code("id,bat\na,1\n") == "labels.missing_column");
  CHECK(code("id,bad\na,2\n") == "labels.label");
  CHECK(code("id,bad\na,1\na,1\n") == "labels.duplicate");
  CHECK(code("id,bad,sum\na,1,-3\n", "sum") == "labels.amount");
  CHECK(code("id,bad,sum\na,1,\n", "sum") == "labels.amount");
  CHECK(code("id,bad,sum\na,,\n", "sum") == "");
  REQUIRE(code("id,bad,sum\na,1,1\nb,0,3\nc,,100\n,1,0\n", "sum") == "");
  const auto labels = OutcomeLabels::read((dir / "l.csv").string(), {"id", "bad", "sum"});
  CHECK((labels.size() == 3 && labels.bad_rate() == Approx(2.0 / 3) && labels.large_amount() == std::sqrt(28.0 / 4)));
  CHECK((labels.find("b") && labels.find("b")->amount == 3 && !labels.find("c") && !labels.find("")));
}

TEST_CASE("the JSON and the page show the report's figures, and the page loads nothing") {
  const Told told;
  const auto json = nlohmann::json::parse(experiment_json(told.report));
  const auto& x = told.report.experiments[0].arms[1];
  CHECK(json["experiments"][0]["arms"][1]["cost_difference"]["low"] == x.cost_difference.low);
  CHECK(json["experiments"][0]["arms"][0]["cost_difference"]["value"].is_null());
  CHECK(json["experiments"][0]["shadow"]["decisions"] == told.report.experiments[0].shadow->n);
  CHECK(experiment_json(told.report) == experiment_json(Told().report));
  const std::string page = experiment_html(told.report);
  CHECK(page.starts_with("<!doctype html>"));
  for (const char* outside : {"<script", "http", "src=", "@import", "url("}) {
    CAPTURE(outside);
    CHECK(page.find(outside) == std::string::npos);
  }
  for (const auto& arm : told.report.experiments[0].arms)
    CHECK(page.find("<td>" + arm.name + "</td>") != std::string::npos);
}

}  // namespace sluice::test
