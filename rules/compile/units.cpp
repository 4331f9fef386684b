#include "sluice/rules/compile/units.h"

#include <algorithm>
#include <cmath>

#include "sluice/rules/compile/words.h"
#include "sluice/rules/eval/arithmetic.h"

namespace sluice::rules {
namespace {

using Kind = Type::Kind;

bool is_duration(const Type& type) { return type.is(Kind::number) && seconds_in(type.unit); }

bool fits(const Type& a, const Type& b) {
  if (a.kind != b.kind) return false;
  if (a.is(Kind::category)) return a.category == b.category || a.category->vocabulary == b.category->vocabulary;
  return (a.unit == b.unit && a.is_whole == b.is_whole) || (is_duration(a) && is_duration(b));
}

bool becomes_whole(const Node& node) {
  return node.is_integral && node.kind == NodeKind::number && node.type.unit.empty() &&
         std::fabs(node.value) <= kMaxWhole;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& words) {
  const std::string meant = nearest(word, words);
  return meant.empty() ? "" : "did you mean \"" + meant + "\"?";
}

std::string some_of(const std::vector<std::string>& words) {
  std::string list = "the words are ";
  const std::size_t n = std::min<std::size_t>(words.size(), 8);
  for (std::size_t i = 0; i < n; ++i) list += (i ? ", " : "") + words[i];
  return words.size() > n ? list + ", and " + std::to_string(words.size() - n) + " more" : list;
}

}  // namespace

Type Unifier::common(std::span<const std::size_t> items, std::string_view verb, const std::size_t* at) {
  if (std::any_of(items.begin(), items.end(), [&](std::size_t i) { return node(i).type.is(Kind::invalid); })) return {};
  auto typed = std::find_if(items.begin(), items.end(), [&](std::size_t i) { return node(i).type.is_whole; });
  if (typed == items.end())
    typed = std::find_if(items.begin(), items.end(), [&](std::size_t i) { return !node(i).type.is(Kind::text); });
  const auto place = [&](std::size_t item) { return at ? *at : node(item).at; };
  if (typed == items.end()) {
    faults_.add("type", place(items.front()), "texts alone have no type",
                "a text is a word of a category column, or an id; put the text of a time in time(...)");
    return {};
  }
  Type type = node(*typed).type;
  if (type.is(Kind::words) && verb != "compared with") {
    faults_.add("type", place(*typed), "a text that a function returns can only be compared");
    return {};
  }
  bool all_fit = true, in_seconds = false;
  for (const std::size_t item : items) {
    const Type& other = node(item).type;
    if (other.is(Kind::text)) {
      all_fit &= resolve_text(item, type, verb, place(item));
    } else if (type.is_whole && becomes_whole(node(item))) {
      node(item).type = type;
    } else if (!fits(type, other)) {
      mismatch(*typed, item, verb, place(item));
      all_fit = false;
    } else {
      in_seconds |= type.unit != other.unit;
    }
  }
  if (!all_fit) return {};
  if (in_seconds) {
    for (const std::size_t item : items) to_seconds(item);
    type.unit = "seconds";
  }
  return type;
}

void Unifier::to_seconds(std::size_t item) {
  Node& duration = node(item);
  const double seconds = *seconds_in(duration.type.unit);
  if (duration.is_literal())
    duration.value *= seconds;
  else
    duration.scale *= seconds;
  duration.type.unit = "seconds";
}

bool Unifier::resolve_text(std::size_t item, const Type& wanted, std::string_view verb, std::size_t at) {
  Node& literal = node(item);
  if (wanted.is(Kind::id)) {
    literal.value = hash_id(literal.text);
  } else if (wanted.is(Kind::words)) {
    return resolve_made_text(literal, wanted);
  } else if (wanted.is(Kind::category)) {
    const auto& words = wanted.category->vocabulary;
    const auto code = code_of(*wanted.category, literal.text);
    if (!code) {
      const std::string meant = faults_.suggests() ? did_you_mean(literal.text, words) : "";
      faults_.add("unknown_word", literal.at,
                  quote(literal.text) + " is not in the vocabulary of " + wanted.category->name,
                  meant.empty() ? some_of(words) : meant);
      return false;
    }
    literal.value = *code;
  } else {
    const std::string hint = wanted.is(Kind::time)     ? "write time(" + excerpt(text_of(literal)) + ")"
                             : wanted.is(Kind::number) ? "write a number without quotes"
                                                       : "";
    faults_.add("type", at, to_string(wanted) + " cannot be " + std::string(verb) + " text", hint);
    return false;
  }
  literal.kind = NodeKind::number;
  literal.type = wanted;
  return true;
}

bool Unifier::resolve_made_text(Node& literal, const Type& wanted) {
  const auto& texts = texts_of(wanted);
  if (std::find(texts.begin(), texts.end(), literal.text) == texts.end()) {
    const std::string meant = faults_.suggests() ? did_you_mean(literal.text, texts) : "";
    faults_.add("unknown_word", literal.at,
                "no word of " + wanted.category->name + " results in " + quote(literal.text), meant);
    return false;
  }
  literal.type = wanted;  // it remains a text
  return true;
}

std::optional<double> Unifier::code_of(const Column& column, std::string_view word) {
  auto& codes = codes_[&column];
  if (codes.empty())
    for (const auto& known : column.vocabulary) codes.emplace(known, static_cast<double>(codes.size()));
  const auto found = codes.find(word);
  return found == codes.end() ? std::nullopt : std::optional(found->second);
}

void Unifier::mismatch(std::size_t left, std::size_t right, std::string_view verb, std::size_t at) {
  const Node &a = node(left), &b = node(right);
  const bool two_units =
      a.type.is(Kind::number) && b.type.is(Kind::number) && !a.type.unit.empty() && !b.type.unit.empty();
  const bool two_vocabularies = a.type.is(Kind::category) && b.type.is(Kind::category);
  const std::string of_others = two_vocabularies ? " of another vocabulary" : "";
  faults_.add(two_units ? "unit" : "type", at,
              to_string(a.type) + " cannot be " + std::string(verb) + " " + to_string(b.type) + of_others,
              hint_for(a, b));
}

std::string Unifier::hint_for(const Node& left, const Node& right) const {
  const Type &a = left.type, &b = right.type;
  if (a.is(Kind::number) && b.is(Kind::number)) {
    if (a.unit.empty() && b.unit.empty()) return "write double(x) for the int, or int(x) for the double";
    if (a.unit.empty()) return hint_for_unit(right, left);
    if (b.unit.empty()) return hint_for_unit(left, right);
    if (is_duration(a) || is_duration(b)) {
      const std::string meant = did_you_mean(is_duration(a) ? b.unit : a.unit, {"seconds", "minutes", "hours", "days"});
      if (!meant.empty()) return meant;
    }
    return "convert one of them: x / 1 " + excerpt(b.unit) + " * RATE " + excerpt(a.unit);
  }
  if (a.is(Kind::boolean) || b.is(Kind::boolean)) return "write a < b && b < c for a < b < c";
  const Node& other = a.is(Kind::number) ? right : left;
  if (a.is(Kind::number) == b.is(Kind::number)) return {};
  if (other.type.is(Kind::time))
    return "compare a time with a time, such as time(\"2024-01-31\"); a time minus a time is a duration";
  if (other.type.is(Kind::category) || other.type.is(Kind::id)) return "write the word in quotes";
  return {};
}

std::string Unifier::hint_for_unit(const Node& united, const Node& bare) const {
  const std::string& unit = united.type.unit;
  if (bare.is_literal()) return "write " + excerpt(text_of(bare)) + " " + excerpt(unit);
  if (united.is_literal()) return "remove " + excerpt(unit) + ", or set the column's unit in the schema";
  return "multiply the double by 1 " + excerpt(unit);
}

}  // namespace sluice::rules
