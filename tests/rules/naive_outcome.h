#pragma once
/// A rule set's outcome for a row as defined in docs/rules.md, from the truths of its conditions alone.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rules_support.h"

namespace sluice::test {

inline Truth to_truth(const std::optional<bool>& value) {
  return !value ? Truth::missing : *value ? Truth::yes : Truth::no;
}

/// For a set with the hit policy priority, first or unique.
inline Outcome naive_outcome(const std::vector<Truth>& truths, const Json& rules, const std::string& policy) {
  Outcome outcome;
  std::vector<std::pair<std::string, std::uint16_t>> fired;
  for (std::uint16_t i = 0; i < truths.size(); ++i) {
    const std::string own = rules[i]["then"]["action"], on_missing = rules[i]["on_missing"];
    if (truths[i] == Truth::missing) ++outcome.n_missing, outcome.missing.add(i);
    if (truths[i] == Truth::yes || (truths[i] == Truth::missing && on_missing == "FIRE"))
      fired.push_back({own, i});
    else if (truths[i] == Truth::missing && on_missing != "SKIP")
      fired.push_back({on_missing, i});
  }
  for (const auto& [action, rule] : fired) ++outcome.n_fired, outcome.fired.add(rule);
  if (fired.empty()) return outcome;
  if (policy == "unique" && fired.size() > 1) return outcome.undecided = true, outcome;
  auto winner = fired.front();
  for (const char* strongest : {"APPROVE", "REVIEW", "DECLINE"})  // the last match is the strongest
    if (policy == "priority")
      for (auto it = fired.rbegin(); it != fired.rend(); ++it)
        if (it->first == strongest) winner = *it;
  outcome.action = *parse_action(winner.first);
  outcome.decisive = winner.second;
  return outcome;
}

}  // namespace sluice::test
