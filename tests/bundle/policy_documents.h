#pragma once
/// Valid and invalid policies, each with the fault that the reader must find.

#include <string>
#include <vector>

namespace sluice::test {

struct PolicyDocument {
  std::string text;
  std::string code;  // empty: a valid policy
  std::string pointer;
  bool beyond_schema = false;  // compares two values, which a JSON Schema cannot
};

inline std::vector<PolicyDocument> policy_documents() {
  const std::string cutoffs = R"({"approve_below": 0.2, "decline_from": 0.6})", l0 = R"("L0": )" + cutoffs,
                    both = l0 + R"(, "L1": )" + cutoffs;
  const auto document = [](const std::string& band, const std::string& levels, const std::string& more = "") {
    return R"({"policy_version": 3, "band": )" + band + R"(, "levels": {)" + levels + "}" + more + "}";
  };
  const std::string band = R"({"low": 0.3, "high": 0.7})";
  return {
      {document("null", l0), "", ""},
      {document(band, both), "", ""},
      {document(R"({"low": 0, "high": 1.0, "closed": true})", both), "", ""},
      {document(band, both + R"(, "L3": {"action": "DECLINE"})"), "", ""},
      {document(
           band, both,
           R"(, "deadline_us": 20000, "network": {"enabled": false, "device": "cpu", "max_batch": 64, "max_delay_us": 0, "queue_limit": 1}, "breaker": {"window_ms": 1, "min_calls": 1, "failure_rate": 1, "open_ms": 0})"),
       "", ""},
      {document(band, R"("L0": {"approve_below": 0, "decline_from": 2, "otherwise": "APPROVE"}, "L1": )" + cutoffs), "",
       ""},
      {document(R"({"low": 0.8, "high": 0.2})", both), "policy.band_inverted", "/band", true},
      {document("null", R"("L0": {"approve_below": 0.7, "decline_from": 0.6})"), "policy.cutoffs_inverted",
       "/levels/L0", true},
      {document(band, l0), "policy.missing", "/levels/L1"},
      {document(band, R"("L1": )" + cutoffs), "policy.missing", "/levels/L0"},
      {document("null", l0 + R"(, "L3": {"action": "APPROVE"})"), "policy.silent_approve", "/levels/L3/action"},
      {document("null", l0 + R"(, "L3": {"action": "approve"})"), "policy.value", "/levels/L3/action"},
      {document("null", l0 + R"(, "L2": {"action": "REVIEW"})"), "policy.unknown_key", "/levels/L2"},
      {document(R"({"low": 0.3})", both), "policy.missing", "/band/high"},
      {document(R"({"low": -0.1, "high": 0.7})", both), "policy.range", "/band/low"},
      {document(R"({"low": 0.3, "high": 1.1})", both), "policy.range", "/band/high"},
      {document(R"({"low": "0.3", "high": 1})", both), "policy.type", "/band/low"},
      {document(R"({"low": 0.3, "high": 0.7, "open": true})", both), "policy.unknown_key", "/band/open"},
      {document(R"({"low": 0, "high": 1, "closed": true, "min_gain": 0.0125})", both), "", ""},
      {document(R"({"low": 0.3, "high": 0.7, "least_gain": 0.1})", both), "policy.renamed", "/band/least_gain"},
      {document(R"({"low": 0.3, "high": 0.7, "min_gain": null})", both), "", ""},
      {document(R"({"low": 0.3, "high": 0.7, "min_gain": "0.1"})", both), "policy.type", "/band/min_gain"},
      {document(R"({"low": 0.3, "high": 0.7, "min_gain": 1e13})", both), "policy.range", "/band/min_gain"},
      {document("[0.3, 0.7]", both), "policy.type", "/band"},
      {document("null", l0, R"(, "deadline_us": -1)"), "policy.range", "/deadline_us"},
      {document("null", l0, R"(, "deadline_us": 9000000000000000000)"), "policy.range", "/deadline_us"},
      {document("null", l0, R"(, "deadline_us": 1.5)"), "policy.type", "/deadline_us"},
      {document("null", l0, R"(, "network": {"device": "tpu"})"), "policy.value", "/network/device"},
      {document("null", l0, R"(, "network": {"max_batch": 0})"), "policy.range", "/network/max_batch"},
      {document("null", l0, R"(, "breaker": {"failure_rate": 1.5})"), "policy.range", "/breaker/failure_rate"},
      {document("null", l0, R"(, "version": 2)"), "policy.unknown_key", "/version"},
      {R"({"band": null, "levels": {)" + l0 + "}}", "policy.missing", "/policy_version"},
      {R"({"policy_version": 1, "levels": {)" + l0 + "}}", "policy.missing", "/band"},
      {R"({"policy_version": 1, "band": null})", "policy.missing", "/levels"},
      {"[]", "policy.type", ""},
      {R"({"policy_version": 1, "band": {"low": NaN, "high": 1}})", "policy.json", ""},
      {"", "policy.json", ""},
  };
}

}  // namespace sluice::test
