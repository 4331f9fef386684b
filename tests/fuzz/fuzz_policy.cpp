// A policy: it is refused with its faults, or it decides every probability, never approves in silence, and its own text
// reads back to itself.

#include <cmath>
#include <cstdint>

#include "require.h"
#include "sluice/bundle/policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace sluice;
  using cascade::Action;
  using test::require;
  const auto check = cascade::check_policy({reinterpret_cast<const char*>(bytes), size}, "fuzz");
  for (const Diagnostic& diagnostic : check.diagnostics) to_string(diagnostic);
  require(check.policy.has_value() != has_errors(check.diagnostics), "a policy is read, or its errors are told");
  if (!check.policy) return 0;
  const cascade::Policy& policy = *check.policy;
  require(policy.level3 != Action::approve && policy.level3 != Action::none, "the safe default does not approve");
  for (const auto* cutoffs : {&policy.level0, &policy.level1}) {
    bool was_declined = false;
    for (double p = 0; p <= 1; p += 0.01) {
      const Action action = cutoffs->decide(p);
      require(action != Action::none, "every probability has an action");
      require(!was_declined || action == Action::decline, "what is declined is declined above as well");
      was_declined = action == Action::decline && p >= cutoffs->decline_from;
    }
  }
  const std::string text = policy.to_json();
  require(cascade::parse_policy(text, "again").to_json() == text, "a policy's text reads back");
  return 0;
}
