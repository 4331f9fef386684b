#pragma once
/// Reads XGBoost's JSON and UBJSON documents: numbers straight to float32, NaN and Infinity allowed, arrays of numbers
/// straight into vectors, errors with file and JSON pointer. Not installed.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::gbdt {

struct ModelNode;
struct ModelObject {
  std::vector<std::string> keys;
  std::vector<ModelNode> values;  // one per key
};
using ModelArray = std::vector<ModelNode>;
using Integers = std::vector<std::int64_t>;  // true and false are 1 and 0
using Floats = std::vector<float>;

/// One value of a document. An array of numbers only is Integers or Floats.
struct ModelNode {
  std::variant<std::monostate, std::int64_t, float, std::string, ModelObject, ModelArray, Integers, Floats> value;
};

/// Tells JSON from UBJSON by the second byte. Throws Error{forest.json} with `source` and the byte.
ModelNode parse_model(std::string_view bytes, std::string_view source);

/// A value and its place. Getters throw Error{forest.field} if a field is missing or has the wrong type.
class ModelValue {
 public:
  ModelValue(const ModelNode& node, std::string_view source, std::string pointer = {})
      : node_(&node), source_(source), pointer_(std::move(pointer)) {}

  bool has(std::string_view key) const { return find(key) != nullptr; }
  ModelValue operator[](std::string_view key) const;
  std::vector<ModelValue> elements() const;

  std::string text() const;
  std::size_t count() const;  // 5 or "5"
  std::vector<float> floats() const;
  std::vector<std::int64_t> integers() const;
  bool are_integers() const { return std::holds_alternative<Integers>(node_->value); }
  std::vector<std::string> texts() const;

  [[noreturn]] void fail(const std::string& what) const;
  std::string_view source() const { return source_; }

 private:
  const ModelNode* find(std::string_view key) const;
  std::vector<ModelValue> boxed() const;

  const ModelNode* node_;
  std::string_view source_;
  std::string pointer_;
};

}  // namespace sluice::gbdt
