#include "sluice/bundle/policy_differences.h"

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace sluice::cascade {

std::vector<PolicyDifference> differences(const Policy& before, const Policy& after) {
  std::map<std::string, std::pair<std::string, std::string>> fields;
  const auto was = nlohmann::json::parse(before.to_json()).flatten();
  const auto is = nlohmann::json::parse(after.to_json()).flatten();
  for (const auto& [pointer, value] : was.items()) fields[pointer].first = value.dump();
  for (const auto& [pointer, value] : is.items()) fields[pointer].second = value.dump();
  std::vector<PolicyDifference> found;
  for (const auto& [pointer, values] : fields)
    if (values.first != values.second) found.push_back({pointer, values.first, values.second});
  return found;
}

}  // namespace sluice::cascade
