#include "sluice/rules/document.h"

#include <algorithm>
#include <set>

#include "sluice/base/error.h"
#include "sluice/base/json_fields.h"
#include "sluice/rules/document_tests.h"

namespace sluice::rules {
namespace {

const std::vector<std::string> kActions = {"APPROVE", "REVIEW", "DECLINE"};

class Reader {
 public:
  Reader(const std::string& source, const Schema& schema, Phase phase, std::vector<Diagnostic>& out)
      : source_(source), schema_(schema), phase_(phase), out_(out) {}

  Document read(const Json& json) {
    Document document{.canonical = json.dump()};
    JsonFields fields(json, "", source_, "rules", out_);
    for (const char* key : {"ruleset", "version", "rules"}) fields.require(key);
    document.name = fields.string("ruleset", "");
    document.version = fields.integer("version", 0, 0);
    document.hit_policy = hit_policy(fields.word("hit_policy", "priority", {"priority", "first", "unique"}));
    priority(fields, document);
    if (const Json* rules = array(fields, "rules")) read_rules(*rules, document);
    if (const Json* tests = array(fields, "tests"))
      document.tests = read_tests(*tests, source_, schema_, phase_, ids(document), out_);
    fields.finish();
    return document;
  }

 private:
  static HitPolicy hit_policy(const std::string& word) {
    return word == "first" ? HitPolicy::first : word == "unique" ? HitPolicy::unique : HitPolicy::priority;
  }

  void priority(JsonFields& fields, Document& document) {
    const std::string hint = "list every action once, the one that wins first: [\"DECLINE\", \"REVIEW\", \"APPROVE\"]";
    if (!fields.has("priority")) {
      if (document.hit_policy == HitPolicy::priority)
        fields.add("missing", "priority", "the hit policy \"priority\" needs the list \"priority\"", hint);
      fields.child("priority");
      return;
    }
    const std::size_t n_before = out_.size();
    const auto names = fields.strings("priority");
    if (out_.size() > n_before) return;  // no list of texts
    std::set<std::string> seen;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto action = parse_action(names[i]);
      if (!action)
        fields.add("priority", "priority", "\"" + names[i] + "\" is no action", hint);
      else
        document.rank[static_cast<std::size_t>(*action)] = static_cast<std::uint8_t>(i);
      if (!seen.insert(names[i]).second) fields.add("priority", "priority", names[i] + " stands twice", hint);
    }
    for (const auto& action : kActions)
      if (!seen.contains(action)) fields.add("priority", "priority", action + " is not in the list", hint);
  }

  const Json* array(JsonFields& fields, const std::string& key) {
    const Json* value = fields.child(key);
    if (!value || value->is_array()) return value;
    fields.add("type", key, std::string("a list is wanted, not ") + value->type_name());
    return nullptr;
  }

  void read_rules(const Json& rules, Document& document) {
    if (rules.size() > kMaxRules) {
      out_.push_back(
          {.code = "rules.too_many",
           .source = source_,
           .pointer = "/rules",
           .message = std::to_string(rules.size()) + " rules; " + std::to_string(kMaxRules) + " are the most"});
      return;
    }
    std::set<std::string> ids;
    for (std::size_t i = 0; i < rules.size(); ++i)
      document.rules.push_back(rule(rules[i], "/rules/" + std::to_string(i), ids, document));
  }

  Rule rule(const Json& json, const std::string& pointer, std::set<std::string>& ids, Document& document) {
    Rule rule;
    JsonFields fields(json, pointer, source_, "rules", out_);
    for (const char* key : {"id", "when", "then"}) fields.require(key);
    rule.id = fields.string("id", "");
    if (fields.has("id") && rule.id.empty()) fields.add("value", "id", "an id is not empty");
    if (!rule.id.empty() && !ids.insert(rule.id).second)
      fields.add("duplicate_id", "id", "another rule has the id \"" + rule.id + "\" too",
                 "records name rules by their id");
    document.has_when.push_back(json.is_object() && json.contains("when") && json["when"].is_string());
    rule.when = fields.string("when", "");
    rule.description = fields.string("description", "");
    if (const Json* then = fields.child("then")) {
      JsonFields outcome(*then, pointer + "/then", source_, "rules", out_);
      for (const char* key : {"action", "reason"}) outcome.require(key);
      rule.action = *parse_action(outcome.word("action", "REVIEW", kActions));
      rule.reason = outcome.string("reason", "");
      outcome.finish();
    }
    rule.action_if_missing = on_missing(fields, rule.action);
    fields.finish();
    return rule;
  }

  Action on_missing(JsonFields& fields, Action own) {
    if (!fields.child("on_missing")) {
      fields.add(
          "missing", "on_missing", "the key \"on_missing\" is missing",
          "say what the rule does where its condition is unknown: \"SKIP\", \"FIRE\" (its own action) or an action");
      return Action::none;
    }
    const std::string word = fields.word("on_missing", "SKIP", {"SKIP", "FIRE", "APPROVE", "REVIEW", "DECLINE"});
    return word == "FIRE" ? own : parse_action(word).value_or(Action::none);
  }

  static std::vector<std::string> ids(const Document& document) {
    std::vector<std::string> ids;
    for (const Rule& rule : document.rules) ids.push_back(rule.id);
    return ids;
  }

  const std::string& source_;
  const Schema& schema_;
  Phase phase_;
  std::vector<Diagnostic>& out_;
};

}  // namespace

std::optional<Document> read_document(std::string_view json, const std::string& source, const Schema& schema,
                                      Phase phase, std::vector<Diagnostic>& out) {
  try {
    return Reader(source, schema, phase, out).read(parse_json(json, source, "rules.json"));
  } catch (const Error& e) {
    std::string message = e.message();  // begins with the source, which the diagnostic names itself
    if (message.starts_with(source)) message.erase(0, source.size());
    message.erase(0, message.find_first_not_of(": "));
    out.push_back({.code = e.code(), .source = source, .message = std::move(message), .hint = e.hint()});
    return std::nullopt;
  }
}

}  // namespace sluice::rules
