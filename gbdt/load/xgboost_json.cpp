#include "sluice/gbdt/load/xgboost_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "sluice/base/error.h"

namespace sluice::gbdt {
namespace {

std::optional<float> non_number(const ModelNode& node) {
  const auto* text = std::get_if<std::string>(&node.value);
  if (text == nullptr) return std::nullopt;
  if (*text == "NaN") return std::numeric_limits<float>::quiet_NaN();
  if (*text == "Infinity") return std::numeric_limits<float>::infinity();
  if (*text == "-Infinity") return -std::numeric_limits<float>::infinity();
  return std::nullopt;
}

std::optional<float> number(const ModelNode& node) {
  if (const auto* integer = std::get_if<std::int64_t>(&node.value)) return static_cast<float>(*integer);
  if (const auto* real = std::get_if<float>(&node.value)) return *real;
  return non_number(node);
}

}  // namespace

void ModelValue::fail(const std::string& what) const {
  throw Error("forest.field", std::string(source_) + " at " + (pointer_.empty() ? "/" : pointer_) + ": " + what);
}

/// The last one of that name, as JSON parsers return it.
const ModelNode* ModelValue::find(std::string_view key) const {
  const auto* object = std::get_if<ModelObject>(&node_->value);
  if (object != nullptr)
    for (std::size_t i = object->keys.size(); i-- > 0;)
      if (object->keys[i] == key) return &object->values[i];
  return nullptr;
}

ModelValue ModelValue::operator[](std::string_view key) const {
  if (!std::holds_alternative<ModelObject>(node_->value)) fail("expected an object");
  const ModelNode* found = find(key);
  if (found == nullptr) fail("\"" + std::string(key) + "\" is missing");
  return {*found, source_, pointer_ + "/" + std::string(key)};
}

std::vector<ModelValue> ModelValue::boxed() const {
  const auto* array = std::get_if<ModelArray>(&node_->value);
  if (array == nullptr) fail("expected an array");
  std::vector<ModelValue> out;
  for (const auto& element : *array) out.emplace_back(element, source_, pointer_ + "/" + std::to_string(out.size()));
  return out;
}

std::vector<ModelValue> ModelValue::elements() const {
  if (std::holds_alternative<Integers>(node_->value) || std::holds_alternative<Floats>(node_->value))
    ModelValue(*node_, source_, pointer_ + "/0").fail("unexpected number");
  return boxed();
}

std::string ModelValue::text() const {
  const auto* text = std::get_if<std::string>(&node_->value);
  if (text == nullptr) fail("expected a string");
  return *text;
}

std::size_t ModelValue::count() const {
  if (const auto* integer = std::get_if<std::int64_t>(&node_->value); integer != nullptr && *integer >= 0)
    return static_cast<std::size_t>(*integer);
  const std::string digits = text();
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) fail("\"" + digits + "\" is not a count");
  return value;
}

std::vector<float> ModelValue::floats() const {
  if (const auto* floats = std::get_if<Floats>(&node_->value)) return *floats;
  if (const auto* integers = std::get_if<Integers>(&node_->value)) {
    std::vector<float> out;
    out.reserve(integers->size());
    for (const std::int64_t value : *integers) out.push_back(static_cast<float>(value));
    return out;
  }
  std::vector<float> out;
  for (const auto& element : boxed()) {
    const std::optional<float> value = number(*element.node_);
    if (!value) fail("element " + std::to_string(out.size()) + " is not a number");
    out.push_back(*value);
  }
  return out;
}

std::vector<std::int64_t> ModelValue::integers() const {
  if (const auto* integers = std::get_if<Integers>(&node_->value)) return *integers;
  if (const auto* floats = std::get_if<Floats>(&node_->value)) {
    const auto is_fraction = [](float value) { return value != std::trunc(value); };
    const auto at = std::find_if(floats->begin(), floats->end(), is_fraction) - floats->begin();
    fail("element " + std::to_string(at) + " is not an integer");
  }
  std::vector<std::int64_t> out;
  for (const auto& element : boxed()) {
    const auto* integer = std::get_if<std::int64_t>(&element.node_->value);
    if (integer == nullptr) fail("element " + std::to_string(out.size()) + " is not an integer");
    out.push_back(*integer);
  }
  return out;
}

std::vector<std::string> ModelValue::texts() const {
  std::vector<std::string> out;
  for (const auto& value : elements()) out.push_back(value.text());
  return out;
}

}  // namespace sluice::gbdt
