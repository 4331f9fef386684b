#pragma once
// The "rules" of a rule set's JSON.

#include <set>
#include <string>
#include <vector>

#include "sluice/base/json_fields.h"
#include "sluice/rules/compile/document.h"

namespace sluice::rules {

inline const std::vector<std::string> kActions = {"APPROVE", "REVIEW", "DECLINE"};

std::optional<HitPolicy> parse_hit_policy(std::string_view text);

class RuleReader {
 public:
  RuleReader(const std::string& source, HitPolicy hit_policy, std::vector<Diagnostic>& out)
      : source_(source), hit_policy_(hit_policy), out_(out) {}

  Rule read(const Json& json, const std::string& pointer);

 private:
  void then(JsonFields& fields, const std::string& pointer, Rule& rule);
  void on_missing(JsonFields& fields, const std::string& pointer, Rule& rule);
  void own_if_missing(Rule& rule);
  bool has_actions() const { return hit_policy_ != HitPolicy::collect && hit_policy_ != HitPolicy::collect_sum; }

  const std::string& source_;
  HitPolicy hit_policy_;
  std::vector<Diagnostic>& out_;
  std::set<std::string> ids_;
};

}  // namespace sluice::rules
