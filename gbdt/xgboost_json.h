#pragma once
/// Reading of machine-written XGBoost JSON: numbers straight to float32, NaN and Infinity allowed, errors with file and
/// JSON pointer. Not installed.

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::gbdt {

using FloatJson = nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t, std::uint64_t, float>;

/// Throws Error{forest.json} naming `source` and the byte.
FloatJson parse_model(std::string_view text, std::string_view source);

/// A JSON value and its place. Getters throw Error{forest.field} where a field is missing or of another type.
class ModelValue {
 public:
  ModelValue(const FloatJson& json, std::string_view source, std::string pointer = {})
      : json_(&json), source_(source), pointer_(std::move(pointer)) {}

  bool has(const std::string& key) const { return json_->is_object() && json_->contains(key); }
  ModelValue operator[](const std::string& key) const;
  std::vector<ModelValue> elements() const;

  std::string text() const;
  std::size_t count() const;  // 5 or "5"
  std::vector<float> floats() const;
  std::vector<std::int64_t> integers() const;  // true and false are 1 and 0
  std::vector<std::string> texts() const;

  [[noreturn]] void fail(const std::string& what) const;
  std::string_view source() const { return source_; }

 private:
  const FloatJson& array() const;

  const FloatJson* json_;
  std::string_view source_;
  std::string pointer_;
};

}  // namespace sluice::gbdt
