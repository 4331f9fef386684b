#pragma once
/// A published JSON Schema of docs/, as a second check of the documents that the program accepts and writes. Link
/// sluice_json_schema; it is built only if valijson is installed.

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace sluice::test {

class JsonSchema {
 public:
  explicit JsonSchema(const std::string& name);  // "policy.schema.json"
  ~JsonSchema();
  bool accepts(const nlohmann::json& document) const;

 private:
  struct Parsed;
  std::unique_ptr<const Parsed> parsed_;
};

}  // namespace sluice::test
