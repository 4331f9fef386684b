// An experiment plan: it is refused with its faults, or every key has a place that the plan gives.

#include <cstdint>

#include "require.h"
#include "sluice/experiment/plan.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace sluice;
  using test::require;
  const auto check = experiment::check_experiments({reinterpret_cast<const char*>(bytes), size}, "fuzz");
  for (const Diagnostic& diagnostic : check.diagnostics) to_string(diagnostic);
  require(check.plan.has_value() != has_errors(check.diagnostics), "a plan is read, or its errors are told");
  if (!check.plan) return 0;
  for (const std::int64_t now_us : {std::int64_t{0}, std::int64_t{1'710'000'000'000'000}})
    for (const char* key : {"1", "2", "3", "customer"}) {
      const auto assignment = check.plan->assign(key, now_us);
      const std::string text = experiment::arm_text(*check.plan, assignment);
      std::string_view rest = text;
      for (const auto& place : assignment.places()) {
        const auto& experiment = check.plan->experiments()[place.experiment];
        require(experiment.runs_at(now_us), "an experiment that assigns is running");
        require(experiment.steps[experiment.step_at(now_us)].shares[place.arm] > 0, "an arm that is given has a share");
        const auto name = experiment::take_arm_name(rest);
        require(name && name->experiment == experiment.name && name->arm == experiment.arms[place.arm].name,
                "a record's text reads back");
      }
      require(rest.empty(), "and holds no more");
    }
  return 0;
}
