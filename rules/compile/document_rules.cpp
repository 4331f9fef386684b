#include "sluice/rules/compile/document_rules.h"

namespace sluice::rules {

std::optional<HitPolicy> parse_hit_policy(std::string_view text) {
  for (const HitPolicy policy :
       {HitPolicy::priority, HitPolicy::first, HitPolicy::unique, HitPolicy::collect, HitPolicy::collect_sum})
    if (text == to_string(policy)) return policy;
  return std::nullopt;
}

Rule RuleReader::read(const Json& json, const std::string& pointer) {
  Rule rule;
  JsonFields fields(json, pointer, source_, "rules", out_);
  for (const char* key : {"id", "when", "then"}) fields.require(key);
  rule.id = fields.string("id", "");
  if (fields.has("id") && rule.id.empty()) fields.add("value", "id", "the id is empty");
  if (!rule.id.empty() && !ids_.insert(rule.id).second)
    fields.add("duplicate_id", "id", "another rule has the same id " + quote(rule.id),
               "use a unique id: records refer to rules by it");
  rule.when = fields.string("when", "");
  rule.description = fields.string("description", "");
  then(fields, pointer, rule);
  on_missing(fields, pointer, rule);
  fields.finish();
  return rule;
}

void RuleReader::then(JsonFields& fields, const std::string& pointer, Rule& rule) {
  const Json* json = fields.child("then");
  if (!json) return;
  JsonFields outcome(*json, pointer + "/then", source_, "rules", out_);
  if (has_actions()) {
    outcome.require("action");
    rule.action = *parse_action(outcome.word("action", "REVIEW", kActions));
  }
  if (hit_policy_ == HitPolicy::collect_sum) {
    outcome.require("points");
    rule.points = outcome.integer("points", 0, -kMaxPoints, kMaxPoints);
  }
  outcome.require("reason");
  rule.reason = outcome.string("reason", "");
  outcome.finish();
}

void RuleReader::own_if_missing(Rule& rule) {
  rule.fires_if_missing = true;
  rule.action_if_missing = rule.action;
  rule.points_if_missing = rule.points;
}

void RuleReader::on_missing(JsonFields& fields, const std::string& pointer, Rule& rule) {
  const Json* json = fields.child("on_missing");
  if (!json) {
    const std::string other = has_actions()                           ? " or an action"
                              : hit_policy_ == HitPolicy::collect_sum ? " or {\"points\": ...}"
                                                                      : "";
    fields.add("missing", "on_missing", "the key \"on_missing\" is missing",
               "state what the rule does if its condition is unknown: \"SKIP\", \"FIRE\" (" +
                   std::string(has_actions() ? "its own action" : "as if it were true") + ")" + other);
    return;
  }
  if (hit_policy_ == HitPolicy::collect_sum && json->is_object()) {
    JsonFields other(*json, pointer + "/on_missing", source_, "rules", out_);
    other.require("points");
    rule.points_if_missing = other.integer("points", 0, -kMaxPoints, kMaxPoints);
    rule.fires_if_missing = true;
    return other.finish();
  }
  std::vector<std::string> words = {"SKIP", "FIRE"};
  if (has_actions()) words.insert(words.end(), kActions.begin(), kActions.end());
  const std::string word = fields.word("on_missing", "SKIP", words);
  if (word == "FIRE") return own_if_missing(rule);
  if (const auto action = parse_action(word)) rule.fires_if_missing = true, rule.action_if_missing = *action;
}

}  // namespace sluice::rules
