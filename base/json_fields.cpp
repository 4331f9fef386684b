#include "sluice/base/json_fields.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/base/number.h"

namespace sluice {
namespace {

const Json kEmptyObject = Json::object();
constexpr std::size_t kMaxUnknown = 100;  // unknown keys reported per object
constexpr std::size_t kMaxNesting = 256;  // writing a value is recursive

std::string place_of(std::string_view text, std::size_t byte) {
  const auto before = text.substr(0, std::min(byte == 0 ? 0 : byte - 1, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto newline = before.rfind('\n');
  const auto column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

/// nlohmann's message without its "[json.exception…]" and its own line count.
std::string plain_reason(std::string_view what) {
  if (const auto at = what.find(": syntax error"); at != std::string_view::npos)
    what.remove_prefix(at + 2);
  else if (const auto bracket = what.find("] "); bracket != std::string_view::npos)
    what.remove_prefix(bracket + 2);
  return excerpt(what, 200);  // the message quotes the last token, which can be long
}

/// Builds the value, and checks what nlohmann's own reader accepts: nesting depth and duplicate keys. (That reader's
/// callbacks could check them too, but they scan a whole list at the end of each object in it.)
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, std::string_view source, const std::string& code)
      : text_(text), source_(source), code_(code) {}

  Json root;
  std::optional<std::string> duplicate;

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string&) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(Json::binary_t&) override { return false; }  // JSON text has no binary values
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return open_.pop_back(), true; }
  bool end_array() override { return open_.pop_back(), true; }

  bool key(std::string& key) override {
    const auto [member, is_new] = open_.back()->emplace(key, nullptr);
    if (!is_new && !duplicate) duplicate = key;
    place_ = &*member;
    return true;
  }

  bool parse_error(std::size_t byte, const std::string&, const Json::exception& e) override {
    if (dynamic_cast<const Json::out_of_range*>(&e))
      throw Error(code_, source_ + ": " + plain_reason(e.what()), "numbers are doubles");
    throw Error(code_, source_ + " " + place_of(text_, byte) + ": " + plain_reason(e.what()),
                "the file must be one JSON document in UTF-8; NaN and Infinity are not JSON");
  }

 private:
  bool add(Json value) {
    if (!open_.empty() && open_.back()->is_array()) place_ = &open_.back()->emplace_back();
    *place_ = std::move(value);
    return true;
  }
  bool open(Json value) {
    if (open_.size() == kMaxNesting)
      throw Error(code_, source_ + ": more than " + std::to_string(kMaxNesting) + " levels of nesting");
    add(std::move(value));
    open_.push_back(place_);
    return true;
  }

  std::string_view text_;
  std::string source_;
  const std::string& code_;
  std::vector<Json*> open_;  // the objects and lists that enclose the next value
  Json* place_ = &root;      // of the next value, unless it is in a list
};

}  // namespace

Json parse_json(std::string_view text, std::string_view source, std::string code) {
  Builder builder(text, source, code);
  Json::sax_parse(text.begin(), text.end(), &builder);
  if (builder.duplicate)
    throw Error(std::move(code),
                std::string(source) + ": the key " + quote(*builder.duplicate) + " occurs twice in one object",
                "keep one of them");
  return std::move(builder.root);
}

std::string pointer_step(std::string_view key) {
  std::string step;
  for (const char c : key) {
    if (c == '~')
      step += "~0";
    else if (c == '/')
      step += "~1";
    else
      step += c;
  }
  return step;
}

void tell_of_more(std::vector<Diagnostic>& found, const std::string& source, const std::string& family) {
  if (has_room(found)) return;
  found.push_back({.code = family + ".too_many",
                   .source = source,
                   .message = "more than " + std::to_string(kMaxFaults) + " faults; the rest is not listed"});
}

JsonFields::JsonFields(const Json& object, std::string pointer, std::string source, std::string family,
                       std::vector<Diagnostic>& out)
    : object_(&object),
      pointer_(std::move(pointer)),
      source_(std::move(source)),
      family_(std::move(family)),
      out_(out) {
  if (object.is_object()) return;
  out_.push_back({.code = family_ + ".type",
                  .source = source_,
                  .pointer = pointer_,
                  .message = std::string("expected an object, not ") + object.type_name()});
  object_ = &kEmptyObject;
}

const Json* JsonFields::known(const std::string& key) {
  known_.push_back(key);
  const auto it = object_->find(key);
  return it == object_->end() ? nullptr : &*it;
}

void JsonFields::add(const std::string& kind, const std::string& key, std::string message, std::string hint) {
  out_.push_back({.code = family_ + "." + kind,
                  .source = source_,
                  .pointer = key.empty() ? pointer_ : pointer_to(key),
                  .message = std::move(message),
                  .hint = std::move(hint)});
}

void JsonFields::wrong_type(const std::string& key, const std::string& wanted) {
  add("type", key, "expected " + wanted + ", not " + excerpt((*object_)[key].dump()));
}

double JsonFields::number(const std::string& key, double otherwise, double low, double high) {
  const Json* value = known(key);
  if (!value) return otherwise;
  if (!value->is_number()) return wrong_type(key, "a number"), otherwise;
  const double number = value->get<double>();
  if (number >= low && number <= high) return number;
  add("range", key, number_text(number) + " is outside [" + number_text(low) + ", " + number_text(high) + "]");
  return otherwise;
}

std::int64_t JsonFields::integer(const std::string& key, std::int64_t otherwise, std::int64_t low, std::int64_t high) {
  const Json* value = known(key);
  if (!value) return otherwise;
  if (!value->is_number_integer()) return wrong_type(key, "a whole number"), otherwise;
  const auto number = value->get<std::int64_t>();
  if (number >= low && number <= high) return number;
  add("range", key, std::to_string(number) + " is outside [" + std::to_string(low) + ", " + std::to_string(high) + "]");
  return otherwise;
}

bool JsonFields::boolean(const std::string& key, bool otherwise) {
  const Json* value = known(key);
  if (!value) return otherwise;
  if (!value->is_boolean()) return wrong_type(key, "true or false"), otherwise;
  return value->get<bool>();
}

std::string JsonFields::string(const std::string& key, std::string otherwise) {
  const Json* value = known(key);
  if (!value) return otherwise;
  if (!value->is_string()) return wrong_type(key, "a string"), otherwise;
  return value->get<std::string>();
}

std::string JsonFields::word(const std::string& key, std::string otherwise, const std::vector<std::string>& words) {
  std::string text = string(key, otherwise);
  if (std::find(words.begin(), words.end(), text) != words.end()) return text;
  std::string list;
  for (const auto& word : words) list += (list.empty() ? "" : ", ") + word;
  const std::string meant = nearest(text, words);
  add("value", key, quote(text) + " is not one of " + list, meant.empty() ? "" : "did you mean \"" + meant + "\"?");
  return otherwise;
}

std::vector<std::string> JsonFields::strings(const std::string& key) {
  const Json* value = known(key);
  if (!value) return {};
  const bool good =
      value->is_array() && std::all_of(value->begin(), value->end(), [](const Json& v) { return v.is_string(); });
  if (!good) return wrong_type(key, "a list of strings"), std::vector<std::string>{};
  return value->get<std::vector<std::string>>();
}

std::vector<double> JsonFields::numbers(const std::string& key) {
  const Json* value = known(key);
  if (!value) return {};
  const bool good =
      value->is_array() && std::all_of(value->begin(), value->end(), [](const Json& v) { return v.is_number(); });
  if (!good) return wrong_type(key, "a list of numbers"), std::vector<double>{};
  return value->get<std::vector<double>>();
}

const Json* JsonFields::child(const std::string& key) { return known(key); }

void JsonFields::require(const std::string& key) {
  if (!object_->contains(key)) add("missing", key, "the key \"" + key + "\" is missing");
}

void JsonFields::renamed(const std::string& former, const std::string& now) {
  if (known(former) != nullptr)
    add("renamed", former, "the key \"" + former + "\" is now \"" + now + "\"", "rename it; its meaning is the same");
}

void JsonFields::finish() {
  std::size_t n_unknown = 0;
  for (const auto& [key, value] : object_->items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end() || n_unknown++ >= kMaxUnknown) continue;
    const std::string meant = nearest(key, known_), shown = excerpt(key);
    add("unknown_key", shown, "the key \"" + shown + "\" is unknown",
        meant.empty() ? "" : "did you mean \"" + meant + "\"?");
  }
  if (n_unknown > kMaxUnknown)
    add("unknown_key", "", std::to_string(n_unknown - kMaxUnknown) + " more keys are unknown");
}

}  // namespace sluice
