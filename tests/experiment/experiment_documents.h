#pragma once
/// Valid and invalid experiment plans, with the fault that the reader must find.

#include <string>
#include <vector>

namespace sluice::test {

struct ExperimentDocument {
  std::string text;
  std::string code;  // empty: a valid plan
  std::string pointer;
  bool beyond_schema = false;  // the fault is a relation of two values, which a JSON Schema cannot express
};

/// A plan with one layer, "l", and these experiments.
inline std::string plan_of(const std::string& experiments,
                           const std::string& layers = R"({"name": "l", "key": "customer", "salt": "l1"})") {
  return R"({"plan_version": 1, "layers": [)" + layers + R"(], "experiments": [)" + experiments + "]}";
}

struct ExperimentText {
  std::string name = "a", layer = "l", salt = "s1", buckets = "[0, 5000]", more = "";
  std::string arms =
      R"({"name": "now", "share": 0.75}, {"name": "new", "share": 0.25, "challenger": {"kind": "bundle", "ref": "b"}})";

  std::string text() const {
    return R"({"name": ")" + name + R"(", "layer": ")" + layer + R"(", "salt": ")" + salt + R"(", "buckets": )" +
           buckets + R"(, "arms": [)" + arms + "]" + more + "}";
  }
};

inline std::vector<ExperimentDocument> experiment_documents() {
  const auto one = [](const ExperimentText& e) { return plan_of(e.text()); };
  const auto ramp = [&](const std::string& steps) { return one({.more = R"(, "ramp": [)" + steps + "]"}); };
  const std::string now = R"({"name": "now", "share": 0.75})", champion = R"({"name": "now", "share": 1})",
                    bundle = R"("challenger": {"kind": "bundle", "ref": "b"}})",
                    shadow = R"({"name": "s", "shadow": true, )" + bundle, e0 = "/experiments/0",
                    day1 = R"({"from": "2024-01-01T00:00:00Z", "shares": [0.5, 0.5]})",
                    layers =
                        R"({"name": "l", "key": "customer", "salt": "l1"}, {"name": "m", "key": "k", "salt": "l2"})";
  return {
      {plan_of(""), "", ""},
      {one({}), "", ""},
      {one({.arms = champion}), "", ""},
      {one({.arms = champion + ", " + shadow}), "", ""},
      {one({.more = R"(, "start": "2024-01-01T00:00:00Z", "stop": "2024-01-01T02:00:00+01:00")"}), "", ""},
      {ramp(day1), "", ""},
      {plan_of(ExperimentText{}.text() + ", " +
               ExperimentText{.name = "b", .salt = "s2", .buckets = "[5000, 10000]"}.text()),
       "", ""},
      {plan_of(ExperimentText{}.text() + ", " + ExperimentText{.name = "b", .layer = "m", .salt = "s2"}.text(), layers),
       "", ""},
      {plan_of(ExperimentText{}.text() + ", " +
               ExperimentText{.name = "b", .salt = "s2", .buckets = "[4999, 5001]"}.text()),
       "experiment.overlap", "/experiments/1/buckets", true},
      {plan_of(ExperimentText{}.text() + ", " + ExperimentText{.salt = "s2", .buckets = "[5000, 5001]"}.text()),
       "experiment.name_taken", "/experiments/1/name", true},
      {plan_of(ExperimentText{}.text() + ", " + ExperimentText{.name = "b", .buckets = "[5000, 5001]"}.text()),
       "experiment.salt_taken", "/experiments/1/salt", true},
      {plan_of("", R"({"name": "l", "key": "c", "salt": "l1"}, {"name": "m", "key": "k", "salt": "l1"})"),
       "experiment.salt_taken", "/layers/1/salt", true},
      {plan_of("", R"({"name": "l", "key": "", "salt": "l1"})"), "experiment.range", "/layers/0/key"},
      {plan_of("", R"({"name": "l", "key": "c", "salt": ""})"), "experiment.range", "/layers/0/salt"},
      {plan_of("", R"({"name": "l m", "key": "c", "salt": "x"})"), "experiment.name", "/layers/0/name"},
      {plan_of("", R"({"name": "l", "key": "c", "salz": "x"})"), "experiment.unknown_key", "/layers/0/salz"},
      {one({.name = "a/b"}), "experiment.name", e0 + "/name"},
      {one({.name = ""}), "experiment.range", e0 + "/name"},
      {one({.layer = "k"}), "experiment.layer", e0 + "/layer", true},
      {one({.buckets = "[5000, 5000]"}), "experiment.buckets", e0 + "/buckets", true},
      {one({.buckets = "[0, 10001]"}), "experiment.buckets", e0 + "/buckets"},
      {one({.buckets = "[0.5, 10]"}), "experiment.buckets", e0 + "/buckets"},
      {one({.buckets = "[0]"}), "experiment.buckets", e0 + "/buckets"},
      {one({.buckets = "0.5"}), "experiment.type", e0 + "/buckets"},
      {one({.arms = ""}), "experiment.no_arm", e0 + "/arms"},
      {one({.arms = now}), "experiment.share_sum", e0 + "/arms", true},
      {one({.arms = R"({"name": "now", "share": 1.5})"}), "experiment.range", e0 + "/arms/0/share"},
      {one({.arms = R"({"name": "now", "share": 0.33333}, {"name": "new", "share": 0.66667, )" + bundle}),
       "experiment.share_grain", e0 + "/arms/0/share", true},
      {one({.arms = R"({"name": "now"})"}), "experiment.missing", e0 + "/arms/0/share"},
      {one({.arms = now + R"(, {"name": "new", "share": 0.25})"}), "experiment.missing", e0 + "/arms/1/challenger",
       true},
      {one({.arms = now + R"(, {"name": "now", "share": 0.25, )" + bundle}), "experiment.name_taken",
       e0 + "/arms/1/name", true},
      {one({.arms = R"({"name": "now", "share": 1, )" + bundle}), "experiment.champion", e0 + "/arms/0/challenger",
       true},
      {one({.arms = shadow}), "experiment.champion", e0 + "/arms/0/shadow", true},
      {one({.arms = champion + ", " + shadow + R"(, {"name": "t", "shadow": true, )" + bundle}),
       "experiment.second_shadow", e0 + "/arms/2/shadow", true},
      {one({.arms = champion + R"(, {"name": "t", "shadow": true, "share": 0, )" + bundle}), "experiment.shadow_share",
       e0 + "/arms/1/share"},
      {plan_of(ExperimentText{.arms = champion + ", " + shadow}.text() + ", " +
                   ExperimentText{.name = "b", .layer = "m", .salt = "s2", .arms = champion + ", " + shadow}.text(),
               layers),
       "experiment.second_shadow", "/experiments/1/arms", true},
      {one({.arms = now + R"(, {"name": "new", "share": 0.25, "challenger": {"kind": "model", "ref": "b"}})"}),
       "experiment.value", e0 + "/arms/1/challenger/kind"},
      {one({.arms = now + R"(, {"name": "new", "share": 0.25, "challenger": {"kind": "rules", "ref": ""}})"}),
       "experiment.range", e0 + "/arms/1/challenger/ref"},
      {one({.arms = now + R"(, {"name": "new", "share": 0.25, "challenger": "b"})"}), "experiment.type",
       e0 + "/arms/1/challenger"},
      {one({.more = R"(, "start": "2024-01-02T00:00:00Z", "stop": "2024-01-01T00:00:00Z")"}), "experiment.times",
       e0 + "/stop", true},
      {one({.more = R"(, "start": "tomorrow")"}), "experiment.time", e0 + "/start"},
      {one({.more = R"(, "start": 1704067200)"}), "experiment.type", e0 + "/start"},
      {one({.more = R"(, "stop": null)"}), "experiment.type", e0 + "/stop"},
      {ramp(day1 + ", " + day1), "experiment.ramp_order", e0 + "/ramp/1/from", true},
      {ramp(R"({"from": "2024-01-01T00:00:00Z", "shares": [0.5, 0.4]})"), "experiment.share_sum", e0 + "/ramp/0/shares",
       true},
      {ramp(R"({"from": "2024-01-01T00:00:00Z", "shares": [1]})"), "experiment.shares", e0 + "/ramp/0/shares", true},
      {ramp(R"({"from": "2024-01-01T00:00:00Z", "shares": [0.5, 2]})"), "experiment.range", e0 + "/ramp/0/shares/1"},
      {ramp(R"({"shares": [0.5, 0.5]})"), "experiment.missing", e0 + "/ramp/0/from"},
      {one({.more =
                R"(, "ramp": [{"from": "2024-02-01T00:00:00Z", "shares": [0.5, 0.5]}], "stop": "2024-02-01T00:00:00Z")"}),
       "experiment.ramp_order", e0 + "/ramp/0/from", true},
      {one({.more = R"(, "rump": [])"}), "experiment.unknown_key", e0 + "/rump"},
      {R"({"layers": [], "experiments": []})", "experiment.missing", "/plan_version"},
      {R"({"plan_version": 1, "layers": {}, "experiments": []})", "experiment.type", "/layers"},
      {R"({"plan_version": 1, "layers": [], "experiments": [3]})", "experiment.type", "/experiments/0"},
      {R"({"plan_version": -1, "layers": [], "experiments": []})", "experiment.range", "/plan_version"},
      {"[]", "experiment.type", ""},
      {"", "experiment.json", ""},
  };
}

}  // namespace sluice::test
