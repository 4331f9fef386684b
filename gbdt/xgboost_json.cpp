#include "sluice/gbdt/xgboost_json.h"

#include <charconv>
#include <limits>

#include "sluice/base/error.h"

namespace sluice::gbdt {
namespace {

/// The word at the start of `text`, where it is one that XGBoost writes and JSON has not; empty otherwise.
std::string_view non_number_word(std::string_view text) {
  for (const std::string_view word : {"NaN", "Infinity", "-Infinity"})
    if (text.starts_with(word)) return text.substr(0, word.size());
  return {};
}

/// The text with those words in quotes; the text itself where there are none.
std::string_view quote_non_numbers(std::string_view text, std::string& quoted) {
  if (text.find("NaN") == text.npos && text.find("Infinity") == text.npos) return text;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view word = in_string ? std::string_view() : non_number_word(text.substr(i));
    if (!word.empty()) {
      quoted.append("\"").append(word).append("\"");
      i += word.size();
      continue;
    }
    const std::size_t size = in_string && text[i] == '\\' ? 2 : 1;  // an escaped quote does not end a string
    if (text[i] == '"') in_string = !in_string;
    quoted.append(text.substr(i, size));
    i += size;
  }
  return quoted;
}

std::optional<float> non_number(const FloatJson& value) {
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  if (text == "NaN") return std::numeric_limits<float>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<float>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<float>::infinity();
  return std::nullopt;
}

}  // namespace

FloatJson parse_model(std::string_view text, std::string_view source) {
  std::string quoted;
  const std::string_view json = quote_non_numbers(text, quoted);
  try {
    return FloatJson::parse(json.begin(), json.end());
  } catch (const FloatJson::parse_error& e) {
    throw Error("forest.json", std::string(source) + ": it breaks off or is not JSON at byte " + std::to_string(e.byte),
                "save the model with save_model(\"model.json\"); the older binary and UBJSON formats are not read");
  } catch (const FloatJson::exception& e) {
    throw Error("forest.json", std::string(source) + ": " + e.what());
  }
}

void ModelValue::fail(const std::string& what) const {
  throw Error("forest.field", std::string(source_) + " at " + (pointer_.empty() ? "/" : pointer_) + ": " + what);
}

ModelValue ModelValue::operator[](const std::string& key) const {
  if (!json_->is_object()) fail("an object is expected");
  const auto found = json_->find(key);
  if (found == json_->end()) fail("\"" + key + "\" is missing");
  return {*found, source_, pointer_ + "/" + key};
}

const FloatJson& ModelValue::array() const {
  if (!json_->is_array()) fail("an array is expected");
  return *json_;
}

std::vector<ModelValue> ModelValue::elements() const {
  std::vector<ModelValue> out;
  for (const auto& element : array()) out.emplace_back(element, source_, pointer_ + "/" + std::to_string(out.size()));
  return out;
}

std::string ModelValue::text() const {
  if (!json_->is_string()) fail("a text is expected");
  return json_->get<std::string>();
}

std::size_t ModelValue::count() const {
  if (json_->is_number_unsigned()) return json_->get<std::size_t>();
  const std::string digits = text();
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) fail("\"" + digits + "\" is no count");
  return value;
}

std::vector<float> ModelValue::floats() const {
  std::vector<float> out;
  out.reserve(array().size());
  for (const auto& value : array()) {
    if (value.is_number())
      out.push_back(value.get<float>());
    else if (const auto special = non_number(value))
      out.push_back(*special);
    else
      fail("element " + std::to_string(out.size()) + " is no number");
  }
  return out;
}

std::vector<std::int64_t> ModelValue::integers() const {
  std::vector<std::int64_t> out;
  out.reserve(array().size());
  for (const auto& value : array()) {
    if (value.is_boolean())
      out.push_back(value.get<bool>() ? 1 : 0);
    else if (value.is_number_integer())
      out.push_back(value.get<std::int64_t>());
    else
      fail("element " + std::to_string(out.size()) + " is no integer");
  }
  return out;
}

std::vector<std::string> ModelValue::texts() const {
  std::vector<std::string> out;
  for (const auto& value : elements()) out.push_back(value.text());
  return out;
}

}  // namespace sluice::gbdt
