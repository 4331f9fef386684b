#pragma once
/// Random rules, the same for every engine, over rows without missing cells: 24 numbers and 6 categories.

#include <nlohmann/json.hpp>
#include <string>

#include "sluice/base/batch.h"
#include "sluice/base/schema.h"

namespace sluice::bench {

using Json = nlohmann::json;

struct RulesCase {
  Schema schema;
  Json rules;       // Sluice's document, hit policy `collect`
  Json json_logic;  // a list of JsonLogic rules
  Json zen;         // a JDM decision: one table that collects
  Table rows;
  Json objects;  // the rows as objects, for engines that take these
};

RulesCase random_rules_case(std::size_t n_rules, std::size_t n_rows);

}  // namespace sluice::bench
