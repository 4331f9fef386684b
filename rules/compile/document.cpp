#include "sluice/rules/compile/document.h"

#include <set>

#include "sluice/base/error.h"
#include "sluice/base/json_fields.h"
#include "sluice/rules/compile/document_rules.h"
#include "sluice/rules/compile/document_tests.h"

namespace sluice::rules {
namespace {

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
    document.hit_policy = *parse_hit_policy(
        fields.word("hit_policy", "priority", {"priority", "first", "unique", "collect", "collect_sum"}));
    document.max_cost = static_cast<std::size_t>(
        fields.integer("max_cost", static_cast<std::int64_t>(kMaxCost), 1, static_cast<std::int64_t>(kMaxCost)));
    priority(fields, document);
    cut_offs(fields, document);
    document.constants = definitions(fields, "constants");
    document.derived = definitions(fields, "derived");
    if (const Json* lists = object(fields, "lists"))
      for (const auto& [name, list] : lists->items())
        if (has_room(out_)) document.lists.push_back(list_source(name, list, "/lists/" + pointer_step(excerpt(name))));
    if (const Json* rules = array(fields, "rules")) read_rules(*rules, document);
    if (const Json* tests = array(fields, "tests"))
      document.tests = read_tests(*tests, source_, schema_, phase_, ids(document), out_);
    fields.finish();
    return document;
  }

 private:
  void priority(JsonFields& fields, Document& document) {
    const std::string hint =
        "list every action once, the highest priority first: [\"DECLINE\", \"REVIEW\", \"APPROVE\"]";
    if (!fields.has("priority")) {
      if (document.hit_policy == HitPolicy::priority)
        fields.add("missing", "priority", "the hit policy \"priority\" needs the list \"priority\"", hint);
      fields.child("priority");
      return;
    }
    const std::size_t n_before = out_.size();
    const auto names = fields.strings("priority");
    // The value is not a list of texts.
    if (out_.size() > n_before) return;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < names.size() && has_room(out_); ++i) {
      const auto action = parse_action(names[i]);
      if (!action)
        fields.add("priority", "priority", quote(names[i]) + " is not an action", hint);
      else
        document.rank[static_cast<std::size_t>(*action)] = static_cast<std::uint8_t>(i);
      if (!seen.insert(names[i]).second) fields.add("priority", "priority", excerpt(names[i]) + " occurs twice", hint);
    }
    for (const auto& action : kActions)
      if (!seen.contains(action)) fields.add("priority", "priority", action + " is not in the list", hint);
  }

  void cut_offs(JsonFields& fields, Document& document) {
    const Json* list = array(fields, "points_to_action");
    if (!list) return;
    if (document.hit_policy != HitPolicy::collect_sum)
      fields.add("value", "points_to_action", "only the hit policy \"collect_sum\" has points");
    for (std::size_t i = 0; i < list->size() && has_room(out_); ++i) {
      JsonFields entry((*list)[i], "/points_to_action/" + std::to_string(i), source_, "rules", out_);
      for (const char* key : {"at_least", "action"}) entry.require(key);
      const CutOff cut_off{entry.integer("at_least", 0), *parse_action(entry.word("action", "REVIEW", kActions))};
      if (!document.points_to_action.empty() && cut_off.at_least >= document.points_to_action.back().at_least)
        entry.add("value", "at_least", "it is not below the previous one", "list the highest first");
      document.points_to_action.push_back(cut_off);
      entry.finish();
    }
  }

  /// The members of an object of texts and numbers, as texts.
  std::vector<Definition> definitions(JsonFields& fields, const std::string& key) {
    std::vector<Definition> found;
    const Json* members = object(fields, key);
    if (!members) return found;
    for (const auto& [name, value] : members->items()) {
      if (!has_room(out_)) break;
      const std::string pointer = "/" + key + "/" + pointer_step(excerpt(name));
      const bool is_plain = value.is_number() || value.is_boolean();
      if (value.is_string() || is_plain)
        found.push_back({name, value.is_string() ? value.get<std::string>() : value.dump(), pointer});
      else
        out_.push_back({.code = "rules.type",
                        .source = source_,
                        .pointer = pointer,
                        .message = std::string("expected an expression in quotes, not ") + value.type_name()});
    }
    return found;
  }

  ListSource list_source(const std::string& name, const Json& json, const std::string& pointer) {
    ListSource list{.name = name, .pointer = pointer};
    JsonFields fields(json, pointer, source_, "rules", out_);
    fields.require("of");
    list.column = fields.string("of", "");
    list.file = fields.string("file", "");
    if (const Json* values = array(fields, "values"))
      for (const Json& value : *values)
        list.members.push_back(value.is_string() ? value.get<std::string>() : value.dump());
    if (fields.has("file") == fields.has("values"))
      out_.push_back({.code = "rules.missing",
                      .source = source_,
                      .pointer = pointer,
                      .message = "a list must have either \"file\" or \"values\""});
    fields.finish();
    return list;
  }

  const Json* array(JsonFields& fields, const std::string& key) {
    const Json* value = fields.child(key);
    if (!value || value->is_array()) return value;
    fields.add("type", key, std::string("expected a list, not ") + value->type_name());
    return nullptr;
  }

  const Json* object(JsonFields& fields, const std::string& key) {
    const Json* value = fields.child(key);
    if (!value || value->is_object()) return value;
    fields.add("type", key, std::string("expected an object, not ") + value->type_name());
    return nullptr;
  }

  void read_rules(const Json& rules, Document& document) {
    if (rules.size() > kMaxRules) {
      out_.push_back(
          {.code = "rules.too_many",
           .source = source_,
           .pointer = "/rules",
           .message = std::to_string(rules.size()) + " rules; " + std::to_string(kMaxRules) + " is the limit"});
      return;
    }
    RuleReader reader(source_, document.hit_policy, out_);
    for (std::size_t i = 0; i < rules.size() && has_room(out_); ++i) {
      const Json& json = rules[i];
      document.rules.push_back(reader.read(json, "/rules/" + std::to_string(i)));
      document.has_when.push_back(json.is_object() && json.contains("when") && json["when"].is_string());
    }
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
    out.push_back(to_diagnostic(e, source));
    return std::nullopt;
  }
}

}  // namespace sluice::rules
