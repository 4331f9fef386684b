// Laws of the assignment of arms, over random plans and structured keys.
#include "sluice/experiment/plan.h"

#include <cmath>
#include <map>

#include "experiment_documents.h"
#include "sluice/base/random.h"
#include "support/allocations.h"
#include "support/catch.h"

namespace sluice::test {

using namespace experiment;

namespace {

constexpr std::size_t kKeys = 100'000;
constexpr std::int64_t kDay = 86'400'000'000, kNewYear = 1'704'067'200'000'000;  // 2024-01-01T00:00:00Z

std::string key_text(std::size_t i) { return "customer-" + std::to_string(i); }

/// Random shares in buckets, some of them 0.
std::vector<std::int64_t> random_shares(Random& random, std::size_t n_arms) {
  std::vector<std::int64_t> cuts = {0, kBuckets};
  while (cuts.size() <= n_arms)
    cuts.push_back(random.below(4) == 0 ? cuts[random.below(cuts.size())]
                                        : static_cast<std::int64_t>(random.below(kBuckets)));
  std::sort(cuts.begin(), cuts.end());
  std::vector<std::int64_t> shares;
  for (std::size_t a = 0; a < n_arms; ++a) shares.push_back(cuts[a + 1] - cuts[a]);
  return shares;
}

std::string decimal(std::int64_t buckets) { return std::to_string(static_cast<double>(buckets) / kBuckets); }

/// One experiment over the whole layer, with one ramp step per day from 2024-01-01.
std::string random_ramp(Random& random) {
  const std::size_t n_arms = 1 + random.below(5), n_steps = 1 + random.below(6);
  std::string arms, ramp;
  const auto first = random_shares(random, n_arms);
  for (std::size_t a = 0; a < n_arms; ++a)
    arms += (a ? R"(, {"name": "a)" : R"({"name": "a)") + std::to_string(a) + R"(", "share": )" + decimal(first[a]) +
            (a ? R"(, "challenger": {"kind": "rules", "ref": "r"}})" : "}");
  for (std::size_t s = 0; s < n_steps; ++s) {
    std::string shares;
    for (const auto share : random_shares(random, n_arms)) shares += (shares.empty() ? "" : ", ") + decimal(share);
    ramp += (s ? R"(, {"from": "2024-01-0)" : R"({"from": "2024-01-0)") + std::to_string(s + 1) +
            R"(T00:00:00Z", "shares": [)" + shares + "]}";
  }
  return ExperimentText{.salt = std::to_string(random.next()),
                        .buckets = "[0, 10000]",
                        .more = R"(, "ramp": [)" + ramp + "]",
                        .arms = arms}
      .text();
}

/// Pearson's chi-square statistic of counts compared with the expected counts.
double chi_square(const std::vector<double>& counts, const std::vector<double>& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i)
    sum += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
  return sum;
}
/// Beyond chance: six standard deviations above the mean of chi-square with `df` degrees of freedom.
double bound(double df) { return df + 6 * std::sqrt(2 * df); }

/// Chi-square statistic of the contingency table of two labels per key.
double dependence(const std::vector<int>& a, const std::vector<int>& b, double& df) {
  std::map<int, double> of_a, of_b;
  std::map<std::pair<int, int>, double> of_both;
  for (std::size_t i = 0; i < a.size(); ++i) ++of_a[a[i]], ++of_b[b[i]], ++of_both[{a[i], b[i]}];
  double sum = 0;
  for (const auto& [x, n_x] : of_a)
    for (const auto& [y, n_y] : of_b) {
      const double expected = n_x * n_y / static_cast<double>(a.size()), seen = of_both[{x, y}];
      sum += (seen - expected) * (seen - expected) / expected;
    }
  df = static_cast<double>((of_a.size() - 1) * (of_b.size() - 1));
  return sum;
}

/// The arm of every key in the experiment; -1 if the key is not in it.
std::vector<int> arms_of(const ExperimentPlan& plan, std::size_t experiment, std::int64_t now_us = kNewYear) {
  std::vector<int> arms;
  for (std::size_t i = 0; i < kKeys; ++i) {
    int arm = -1;
    const Assignment assignment = plan.assign(key_text(i), now_us);
    for (const auto& place : assignment.places())
      if (place.experiment == experiment) arm = place.arm;
    arms.push_back(arm);
  }
  return arms;
}

const std::string kTwoLayers =
    R"({"name": "l", "key": "customer", "salt": "l1"}, {"name": "m", "key": "customer", "salt": "l2"})";

}  // namespace

TEST_CASE("a key keeps its arm while that arm's share grows, and no more keys move than necessary") {
  Random random(71);
  for (int n = 0; n < 60; ++n) {
    const std::string text = plan_of(random_ramp(random));
    CAPTURE(text);
    const auto plan = parse_experiments(text, "plan.json");
    const Experiment& e = plan.experiments()[0];
    std::vector<int> before;
    for (std::size_t s = 0; s < e.steps.size(); ++s) {
      const std::int64_t now_us = kNewYear + (static_cast<std::int64_t>(s) - 1) * kDay;
      std::vector<int> arms;
      for (std::size_t i = 0; i < 3000; ++i) {
        const Assignment assignment = plan.assign(key_text(i), now_us);
        arms.push_back(assignment.places()[0].arm);
      }
      if (s > 0) {
        double moved = 0, growth = 0;
        for (std::size_t i = 0; i < arms.size(); ++i) {
          if (arms[i] == before[i]) continue;
          ++moved;
          const auto old_arm = static_cast<std::size_t>(before[i]), new_arm = static_cast<std::size_t>(arms[i]);
          REQUIRE(e.steps[s].shares[old_arm] < e.steps[s - 1].shares[old_arm]);
          REQUIRE(e.steps[s].shares[new_arm] > e.steps[s - 1].shares[new_arm]);
        }
        for (std::size_t a = 0; a < e.arms.size(); ++a)
          growth += static_cast<double>(std::max<std::int64_t>(0, e.steps[s].shares[a] - e.steps[s - 1].shares[a]));
        const double share = growth / static_cast<double>(kBuckets);
        REQUIRE(std::abs(moved - 3000 * share) <= 6 * std::sqrt(3000 * share * (1 - share)) + 1e-9);
      }
      before = arms;
    }
  }
}

TEST_CASE("keys are distributed over experiments and arms by their shares") {
  const std::string arms =
      R"({"name": "now", "share": 0.7}, {"name": "x", "share": 0.2, "challenger": {"kind": "bundle", "ref": "b"}},
         {"name": "y", "share": 0.1, "challenger": {"kind": "bundle", "ref": "c"}})";
  const auto plan =
      parse_experiments(plan_of(ExperimentText{.buckets = "[1000, 4000]", .arms = arms}.text() + ", " +
                                ExperimentText{.name = "b", .salt = "s2", .buckets = "[4000, 9000]"}.text()),
                        "plan.json");
  std::vector<double> seen(6, 0), expected;
  for (std::size_t i = 0; i < kKeys; ++i) {
    const Assignment assignment = plan.assign(key_text(i), 0);
    REQUIRE(assignment.places().size() <= 1);
    ++seen[assignment.empty() ? 5u : assignment.places()[0].experiment * 3u + assignment.places()[0].arm];
  }
  for (const double share : {0.3 * 0.7, 0.3 * 0.2, 0.3 * 0.1, 0.5 * 0.75, 0.5 * 0.25, 0.2})
    expected.push_back(share * static_cast<double>(kKeys));
  CHECK(chi_square(seen, expected) < bound(5));
}

TEST_CASE("layers, arms within a layer's bucket, and arms of another salt are independent") {
  const auto whole = [](const std::string& name, const std::string& layer, const std::string& salt) {
    return ExperimentText{.name = name, .layer = layer, .salt = salt, .buckets = "[0, 10000]"}.text();
  };
  const auto plan = parse_experiments(plan_of(whole("a", "l", "s1") + ", " + whole("b", "m", "s2"), kTwoLayers), "p");
  const auto again = parse_experiments(plan_of(whole("a", "l", "s3") + ", " + whole("b", "m", "s2"), kTwoLayers), "p");
  std::string cut, cut_there;
  for (int q = 0; q < 20; ++q) {
    const std::string range = "[" + std::to_string(q * 500) + ", " + std::to_string(q * 500 + 500) + "]";
    const std::string number = std::to_string(q);
    cut += (q ? ", " : "") + ExperimentText{.name = "a" + number, .salt = "s" + number, .buckets = range}.text();
    cut_there +=
        ", " + ExperimentText{.name = "b" + number, .layer = "m", .salt = "t" + number, .buckets = range}.text();
  }
  const auto slices = parse_experiments(plan_of(cut + cut_there, kTwoLayers), "p");
  std::vector<int> slice, other_slice;
  for (std::size_t i = 0; i < kKeys; ++i) {
    const Assignment assignment = slices.assign(key_text(i), 0);
    REQUIRE(assignment.places().size() == 2);
    slice.push_back(assignment.places()[0].experiment);
    other_slice.push_back(assignment.places()[1].experiment);
  }
  const auto a = arms_of(plan, 0), b = arms_of(plan, 1), anew = arms_of(again, 0);
  double df = 0;
  CHECK(dependence(slice, other_slice, df) < bound(19 * 19));
  CHECK(df == 19 * 19);
  CHECK(dependence(a, b, df) < bound(1));
  CHECK(dependence(a, slice, df) < bound(19));
  CHECK(dependence(a, anew, df) < bound(1));
  CHECK(dependence(a, a, df) > 0.9 * static_cast<double>(kKeys));  // for comparison: full dependence
}

TEST_CASE("an experiment runs in [start, stop), and a step holds from its microsecond on") {
  const auto plan = parse_experiments(
      plan_of(ExperimentText{
          .buckets = "[0, 10000]",
          .more =
              R"(, "start": "2024-01-01T00:00:00Z", "stop": "2024-01-03T00:00:00Z", "ramp": [{"from": "2024-01-02T00:00:00Z", "shares": [0, 1]}])",
          .arms =
              R"({"name": "now", "share": 1}, {"name": "x", "share": 0, "challenger": {"kind": "rules", "ref": "r"}})"}
                  .text()),
      "plan.json");
  const auto arm_at = [&](std::int64_t now_us) { return arm_text(plan, plan.assign("k", now_us)); };
  CHECK(arm_at(kNewYear - 1).empty());
  CHECK(arm_at(kNewYear) == "a/now");
  CHECK(arm_at(kNewYear + kDay - 1) == "a/now");
  CHECK(arm_at(kNewYear + kDay) == "a/x");
  CHECK(arm_at(kNewYear + 2 * kDay - 1) == "a/x");
  CHECK(arm_at(kNewYear + 2 * kDay).empty());
}

TEST_CASE("each layer uses its own key and assigns nothing without one, and assign allocates nothing") {
  const auto plan = parse_experiments(
      plan_of(ExperimentText{.buckets = "[0, 10000]"}.text() + ", " +
                  ExperimentText{.name = "b", .layer = "m", .salt = "s2", .buckets = "[0, 10000]"}.text(),
              kTwoLayers),
      "plan.json");
  CHECK(plan.assign("", 0).empty());
  std::string text;
  text.reserve(200);
  const std::size_t n_before = n_allocations();
  std::size_t n_same = 0;
  for (char c = 'a'; c <= 'z'; ++c) {
    const std::array<std::string_view, 2> keys = {"", std::string_view(&c, 1)};
    const Assignment second = plan.assign(keys, 0), both = plan.assign(keys[1], 0);
    text.clear();
    append_arm_text(text, plan, both);
    n_same += second.places().size() == 1 && both.places().size() == 2 && second.places()[0].experiment == 1 &&
              second.places()[0].arm == both.places()[1].arm && !text.empty();
  }
  CHECK(n_allocations() == n_before);
  CHECK(n_same == 26);
}

TEST_CASE("a record's text names every place and can be read back") {
  std::string_view text = "a/now b/x";
  const auto first = take_arm_name(text), second = take_arm_name(text), none = take_arm_name(text);
  REQUIRE((first && second && !none));
  CHECK((first->experiment == "a" && first->arm == "now" && second->experiment == "b" && second->arm == "x"));
  for (std::string_view bad : {"", "champion", "/x", "a/", " a/b"}) {
    CAPTURE(bad);
    CHECK_FALSE(take_arm_name(bad).has_value());
    CHECK(bad.empty());
  }
}

}  // namespace sluice::test
