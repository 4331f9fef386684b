#include <algorithm>
#include <nlohmann/json.hpp>

#include "policy_documents.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/bundle/policy.h"
#include "support/catch.h"

namespace sluice::test {

using namespace cascade;

TEST_CASE("every fault of a policy is reported with its code and pointer") {
  for (const auto& document : policy_documents()) {
    CAPTURE(document.text);
    const PolicyCheck check = check_policy(document.text, "policy.json");
    CHECK(check.policy.has_value() == document.code.empty());
    if (document.code.empty()) {
      CHECK(check.diagnostics.empty());
      continue;
    }
    const bool found = std::any_of(check.diagnostics.begin(), check.diagnostics.end(), [&](const Diagnostic& d) {
      return d.code == document.code && d.pointer == document.pointer;
    });
    for (const auto& d : check.diagnostics) UNSCOPED_INFO(to_string(d));
    CHECK(found);
    CHECK_THROWS_AS(parse_policy(document.text, "policy.json"), Error);
  }
}

TEST_CASE("an unknown key is reported with the nearest known one, and all faults are reported at once") {
  const auto check = check_policy(
      R"({"policy_version": 1, "band": {"low": 0.8, "high": 0.2}, "levels": {"L0": {"approve_below": 0.2, "decline_form": 0.6}, "L1": {"approve_below": 0.2, "decline_from": 0.6}}, "deadline_u": 5})",
      "policy.json");
  std::string all;
  for (const auto& d : check.diagnostics) all += to_string(d) + "\n";
  for (const char* part : {"decline_from", "deadline_us", "policy.band_inverted", "/levels/L0"}) {
    CAPTURE(all, part);
    CHECK(all.find(part) != std::string::npos);
  }
  CHECK(check.diagnostics.size() >= 4);
}

TEST_CASE("a policy of ten megabytes is read, or refused with a short message") {
  const std::string head =
      R"({"policy_version": 1, "band": null, "levels": {"L0": {"approve_below": 0.2, "decline_from": 0.6}})";
  const std::string huge(10'000'000, '1');
  std::string keys, nested;
  for (int k = 0; k < 700'000; ++k) keys += ",\"k" + std::to_string(k) + "\":1";
  for (int k = 0; k < 2'000'000; ++k) nested += "{\"a\":";
  CHECK(check_policy(head + std::string(10'000'000, ' ') + "}", "policy.json").policy.has_value());
  for (const std::string& text :
       {head + keys + "}", head + ",\"" + huge + "\":1}", head + ",\"deadline_us\":\"" + huge + "\"}",
        head + ",\"deadline_us\":" + huge + "}", head + R"(,"network":{"device":")" + huge + "\"}}", nested,
        std::string(10'000'000, '[')}) {
    const PolicyCheck check = check_policy(text, "policy.json");
    CHECK_FALSE(check.policy.has_value());
    CHECK(check.diagnostics.size() <= 101);
    for (const auto& d : check.diagnostics) CHECK(to_string(d).size() < 500);
  }
}

TEST_CASE("a policy reads back as it was written") {
  Policy policy;
  policy.version = 12;
  policy.level0 = {0.1, 0.9, Action::decline};
  policy.level1 = {0.2, 1.5, Action::approve};
  policy.level3 = Action::decline;
  policy.deadline_us = 777;
  policy.network = {false, dnn::Device::cuda, 3, 4, 5};
  policy.breaker = {1, 2, 3, 0.25};
  for (const auto& band :
       {std::optional<Band>{}, std::optional<Band>(Band{0.1, 0.3}), std::optional<Band>(Band{0, 1, true, 0.0125})}) {
    policy.band = band;
    const Policy back = parse_policy(policy.to_json(), "policy.json");
    CHECK(back.to_json() == policy.to_json());
    CHECK(back.band.has_value() == band.has_value());
    if (band) CHECK(back.band->closed == band->closed);
    if (band) CHECK(back.band->min_gain == band->min_gain);
    CHECK(back.level1.decline_from == 1.5);
    CHECK(back.network.enabled == false);
    CHECK(back.breaker.failure_rate == 0.25);
  }
}

TEST_CASE("the example of docs/policy.md is a valid policy, and the page names every key") {
  const std::string page = read_file(std::string(SLUICE_SOURCE_DIR) + "/docs/policy.md");
  const std::size_t start = page.find("```json\n") + 8;
  const std::string example = page.substr(start, page.find("```", start) - start);
  CHECK(parse_policy(example, "docs/policy.md").band.has_value());
  const auto keys = nlohmann::json::parse(Policy{}.to_json()).flatten();
  for (const auto& [pointer, value] : keys.items()) {
    const std::string key = pointer.substr(pointer.rfind('/') + 1);
    CAPTURE(key);
    CHECK(page.find(key) != std::string::npos);
  }
}

}  // namespace sluice::test
