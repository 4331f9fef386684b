#include <cstdio>

#include <sluice/bundle/policy.h>
#include <sluice/cascade/engine.h>
#include <sluice/gbdt/predict.h>

int main() {
  const auto check = sluice::cascade::check_policy(
      R"({"policy_version": 1, "band": null, "levels": {"L0": {"approve_below": 0.2, "decline_from": 0.7}}})",
      "policy.json");
  std::puts(check.policy && check.policy->level0.decide(0.8) == sluice::rules::Action::decline ? "ok" : "wrong");
  return check.policy ? 0 : 1;
}
