#include "sluice/rules/compile/document_tests.h"

#include <algorithm>
#include <unordered_set>

#include "sluice/rules/compile/check.h"
#include "sluice/rules/eval/arithmetic.h"
#include "sluice/rules/eval/compare.h"

namespace sluice::rules {
namespace {

class TestReader {
 public:
  TestReader(const std::string& source, const Schema& schema, Phase phase, const std::vector<std::string>& ids,
             std::vector<Diagnostic>& out)
      : source_(source), schema_(schema), phase_(phase), ids_(ids), known_ids_(ids.begin(), ids.end()), out_(out) {}

  RuleTest read(const Json& json, const std::string& pointer) {
    RuleTest test{.row = std::vector<double>(schema_.size(), kMissing)};
    JsonFields fields(json, pointer, source_, "rules", out_);
    fields.require("in");
    fields.require("expect");
    fields.string("description", "");
    if (const Json* in = fields.child("in")) inputs(*in, pointer + "/in", test);
    if (const Json* expect = fields.child("expect")) expectations(*expect, pointer + "/expect", test);
    fields.finish();
    return test;
  }

 private:
  void inputs(const Json& in, const std::string& pointer, RuleTest& test) {
    if (!in.is_object()) return add("type", pointer, "expected an object of columns and values");
    for (const auto& [name, value] : in.items()) {
      if (!has_room(out_)) return;
      const std::string place = pointer + "/" + pointer_step(excerpt(name));
      const auto column = schema_.find(name);
      const auto given = given_name(name);
      if (column)
        test.row[*column] = cell(*column, value, place);
      else if (given && is_given(*given, phase_))
        given_value(test.given, *given) = *given == kNow ? time(value, place) : number(value, place);
      else
        unknown(name, place);
    }
  }

  double cell(std::size_t column, const Json& value, const std::string& place) {
    if (value.is_null()) return kMissing;
    if (!value.is_string() && !value.is_number())
      return add("type", place, "expected a text, a number or null"), kMissing;
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    double read = kMissing;
    const CellStatus status = schema_.parse_cell(column, text, read);
    if (status == CellStatus::invalid)
      add("value", place, quote(text) + " is not a " + to_string(schema_[column].kind));
    if (status == CellStatus::unseen_category)
      out_.push_back({.code = "rules.unknown_word",
                      .source = source_,
                      .pointer = place,
                      .message = quote(text) + " is not in the vocabulary of " + schema_[column].name,
                      .hint = suggestion(text, schema_[column].vocabulary),
                      .is_warning = true});
    return read;
  }

  double time(const Json& value, const std::string& place) {
    if (!value.is_string()) return number(value, place);
    const auto seconds = parse_time(value.get<std::string>());
    if (!seconds) add("value", place, "this is not a time", "write \"2024-01-31T13:05:59Z\"");
    return seconds.value_or(kMissing);
  }

  double number(const Json& value, const std::string& place) {
    if (value.is_number()) return value.get<double>();
    if (!value.is_null()) add("type", place, "expected a number or null");
    return kMissing;
  }

  void expectations(const Json& expect, const std::string& pointer, RuleTest& test) {
    JsonFields fields(expect, pointer, source_, "rules", out_);
    if (fields.has("action"))
      test.action =
          parse_action(fields.word("action", "none", {"none", "APPROVE", "REVIEW", "DECLINE"})).value_or(Action::none);
    if (fields.has("points")) test.points = fields.integer("points", 0);
    if (fields.has("undecided")) test.undecided = fields.boolean("undecided", false);
    test.fired = ids(fields, "fired");
    test.missing = ids(fields, "missing");
    fields.finish();
    if (expect.is_object() && expect.empty())
      add("value", pointer, "the test expects nothing and cannot fail",
          "state the expected action or the rules that fire");
  }

  std::optional<std::vector<std::string>> ids(JsonFields& fields, const std::string& key) {
    if (!fields.has(key)) return std::nullopt;
    auto ids = fields.strings(key);
    for (std::size_t i = 0; i < ids.size() && has_room(out_); ++i)
      if (!known_ids_.contains(ids[i]))
        add("unknown_rule", fields.pointer_to(key) + "/" + std::to_string(i), "unknown rule " + quote(ids[i]),
            suggestion(ids[i], ids_));
    std::sort(ids.begin(), ids.end());
    return ids;
  }

  void unknown(const std::string& name, const std::string& place) {
    std::vector<std::string> names;
    for (const Column& column : schema_.columns()) names.push_back(column.name);
    add("unknown_column", place, "the schema has no column " + quote(name), suggestion(name, names));
  }

  std::string suggestion(const std::string& word, const std::vector<std::string>& words) const {
    const std::string meant = out_.size() < 200 ? nearest(word, words) : "";
    return meant.empty() ? "" : "did you mean \"" + meant + "\"?";
  }

  void add(const char* kind, const std::string& pointer, std::string message, std::string hint = {}) {
    out_.push_back({.code = std::string("rules.") + kind,
                    .source = source_,
                    .pointer = pointer,
                    .message = std::move(message),
                    .hint = std::move(hint)});
  }

  const std::string& source_;
  const Schema& schema_;
  Phase phase_;
  const std::vector<std::string>& ids_;
  const std::unordered_set<std::string_view> known_ids_;
  std::vector<Diagnostic>& out_;
};

}  // namespace

std::vector<RuleTest> read_tests(const Json& tests, const std::string& source, const Schema& schema, Phase phase,
                                 const std::vector<std::string>& ids, std::vector<Diagnostic>& out) {
  TestReader reader(source, schema, phase, ids, out);
  std::vector<RuleTest> read;
  for (std::size_t i = 0; i < tests.size() && has_room(out); ++i)
    read.push_back(reader.read(tests[i], "/tests/" + std::to_string(i)));
  return read;
}

}  // namespace sluice::rules
