#include "sluice/bundle/policy.h"

#include "sluice/base/error.h"
#include "sluice/base/json_fields.h"
#include "sluice/base/number.h"

namespace sluice::cascade {
namespace {

constexpr std::int64_t kMaxUs =
    3'600'000'000;  // an hour: a longer time is a mistake in the unit, and a much longer one would overflow the clock
constexpr double kMaxGain = 1e12;
const std::vector<std::string> kActions = {"APPROVE", "REVIEW", "DECLINE"};

class PolicyReader {
 public:
  PolicyReader(std::string source, std::vector<Diagnostic>& out) : source_(std::move(source)), out_(out) {}

  Policy read(const Json& json) {
    JsonFields fields = object(json, "");
    Policy policy;
    for (const char* key : {"policy_version", "band", "levels"}) fields.require(key);
    policy.version = fields.integer("policy_version", 1, 0);
    if (const Json* band = fields.child("band"); band && !band->is_null()) policy.band = read_band(*band);
    if (const Json* levels = fields.child("levels")) read_levels(*levels, policy);
    policy.deadline_us = fields.integer("deadline_us", 0, 0, kMaxUs);
    if (const Json* network = fields.child("network")) policy.network = read_network(*network);
    if (const Json* breaker = fields.child("breaker")) policy.breaker = read_breaker(*breaker);
    if (const Json* load = fields.child("load")) policy.load = read_load(*load);
    if (const Json* isolation = fields.child("isolation")) policy.isolation = read_isolation(*isolation);
    fields.finish();
    return policy;
  }

 private:
  JsonFields object(const Json& json, std::string pointer) {
    return JsonFields(json, std::move(pointer), source_, "policy", out_);
  }

  Band read_band(const Json& json) {
    JsonFields fields = object(json, "/band");
    for (const char* key : {"low", "high"}) fields.require(key);
    Band band{fields.number("low", 0, 0, 1), fields.number("high", 1, 0, 1), fields.boolean("closed", false), {}};
    fields.renamed("least_gain", "min_gain");
    if (const Json* gain = fields.child("min_gain"); gain && !gain->is_null())
      band.min_gain = fields.number("min_gain", 0, -kMaxGain, kMaxGain);
    fields.finish();
    if (band.low > band.high)
      out_.push_back({.code = "policy.band_inverted",
                      .source = source_,
                      .pointer = "/band",
                      .message = "low " + number_text(band.low) + " is above high " + number_text(band.high),
                      .hint = "rows with low <= p < high go to the network"});
    return band;
  }

  void read_levels(const Json& json, Policy& policy) {
    JsonFields fields = object(json, "/levels");
    fields.require("L0");
    if (policy.band) fields.require("L1");
    if (const Json* level0 = fields.child("L0")) policy.level0 = policy.level1 = read_cutoffs(*level0, "/levels/L0");
    if (const Json* level1 = fields.child("L1")) policy.level1 = read_cutoffs(*level1, "/levels/L1");
    if (const Json* level3 = fields.child("L3")) policy.level3 = read_level3(*level3);
    fields.finish();
  }

  Cutoffs read_cutoffs(const Json& json, const std::string& pointer) {
    JsonFields fields = object(json, pointer);
    for (const char* key : {"approve_below", "decline_from"}) fields.require(key);
    const Cutoffs cutoffs{fields.number("approve_below", 0, 0, 1), fields.number("decline_from", 1, 0, 2),
                          rules::parse_action(fields.word("otherwise", "REVIEW", kActions)).value()};
    fields.finish();
    if (cutoffs.approve_below > cutoffs.decline_from)
      out_.push_back({.code = "policy.cutoffs_inverted",
                      .source = source_,
                      .pointer = pointer,
                      .message = "approve_below " + number_text(cutoffs.approve_below) + " is above decline_from " +
                                 number_text(cutoffs.decline_from),
                      .hint = "p < approve_below approves, p >= decline_from declines, the rest is `otherwise`"});
    return cutoffs;
  }

  Action read_level3(const Json& json) {
    JsonFields fields = object(json, "/levels/L3");
    fields.require("action");
    const Action action = rules::parse_action(fields.word("action", "REVIEW", kActions)).value();
    if (action == Action::approve)
      fields.add("silent_approve", "action",
                 "the safe default must not approve requests that no model or rule has judged",
                 "use REVIEW, or DECLINE if there are no reviews");
    fields.finish();
    return action;
  }

  NetworkPolicy read_network(const Json& json) {
    JsonFields fields = object(json, "/network");
    NetworkPolicy network;
    network.enabled = fields.boolean("enabled", network.enabled);
    network.device = read_device(fields);
    network.max_batch = fields.integer("max_batch", network.max_batch, 1);
    network.max_delay_us = fields.integer("max_delay_us", network.max_delay_us, 0);
    network.queue_limit = fields.integer("queue_limit", network.queue_limit, 1);
    fields.finish();
    return network;
  }

  static dnn::DeviceChoice read_device(JsonFields& fields) {
    const std::string name = fields.string("device", "auto");
    try {
      return dnn::parse_device(name);
    } catch (const Error& e) {
      fields.add("value", "device", e.message(), e.hint());
      return {};
    }
  }

  BreakerPolicy read_breaker(const Json& json) {
    JsonFields fields = object(json, "/breaker");
    BreakerPolicy breaker;
    breaker.window_ms = fields.integer("window_ms", breaker.window_ms, 1, 86'400'000);
    breaker.min_calls = fields.integer("min_calls", breaker.min_calls, 1, 1'000'000);
    breaker.failure_rate = fields.number("failure_rate", breaker.failure_rate, 0, 1);
    breaker.open_ms = fields.integer("open_ms", breaker.open_ms, 0, 3'600'000);
    fields.finish();
    return breaker;
  }

  LoadPolicy read_load(const Json& json) {
    JsonFields fields = object(json, "/load");
    LoadPolicy load;
    load.max_in_flight = fields.integer("max_in_flight", load.max_in_flight, 0, 1'000'000);
    load.network_in_flight = fields.integer("network_in_flight", load.network_in_flight, 0, 1'000'000);
    load.normal_share = fields.number("normal_share", load.normal_share, 0, 1);
    load.low_share = fields.number("low_share", load.low_share, 0, 1);
    load.resume_share = fields.number("resume_share", load.resume_share, 0, 1);
    fields.finish();
    return load;
  }

  IsolationPolicy read_isolation(const Json& json) {
    JsonFields fields = object(json, "/isolation");
    IsolationPolicy isolation;
    isolation.forest_threads = fields.integer("forest_threads", isolation.forest_threads, 0, 1024);
    isolation.network_threads = fields.integer("network_threads", isolation.network_threads, 0, 1024);
    isolation.queue_limit = fields.integer("queue_limit", isolation.queue_limit, 1, 65536);
    isolation.max_wait_us = fields.integer("max_wait_us", isolation.max_wait_us, 1, kMaxUs);
    fields.finish();
    return isolation;
  }

  std::string source_;
  std::vector<Diagnostic>& out_;
};

Json cutoffs_json(const Cutoffs& c) {
  return {{"approve_below", c.approve_below},
          {"decline_from", c.decline_from},
          {"otherwise", rules::to_string(c.otherwise)}};
}

std::string device_name(dnn::DeviceChoice device) {
  switch (device.kind) {
    case dnn::Device::automatic:
      return "auto";
    case dnn::Device::cpu:
      return "cpu";
    case dnn::Device::cuda:
      return device.index == 0 ? "cuda" : "cuda:" + std::to_string(device.index);
  }
  return "?";
}

}  // namespace

std::string to_string(const Band& band) {
  std::string text = "[" + number_text(band.low) + ", " + number_text(band.high) + (band.closed ? "]" : ")");
  if (band.min_gain) text += ", expected gain from " + number_text(*band.min_gain);
  return text;
}

PolicyCheck check_policy(std::string_view text, std::string_view source) {
  PolicyCheck check;
  try {
    const Json json = parse_json(text, source, "policy.json");
    Policy policy = PolicyReader(std::string(source), check.diagnostics).read(json);
    if (!has_errors(check.diagnostics)) check.policy = policy;
  } catch (const Error& e) {
    check.diagnostics.push_back(to_diagnostic(e, std::string(source)));
  }
  return check;
}

Policy parse_policy(std::string_view json, std::string_view source) {
  PolicyCheck check = check_policy(json, source);
  throw_if_errors(check.diagnostics);
  return *check.policy;
}

std::string Policy::to_json() const {
  Json json = {
      {"policy_version", version},
      {"band", nullptr},
      {"levels",
       {{"L0", cutoffs_json(level0)}, {"L1", cutoffs_json(level1)}, {"L3", {{"action", rules::to_string(level3)}}}}},
      {"deadline_us", deadline_us},
      {"network",
       {{"enabled", network.enabled},
        {"device", device_name(network.device)},
        {"max_batch", network.max_batch},
        {"max_delay_us", network.max_delay_us},
        {"queue_limit", network.queue_limit}}},
      {"breaker",
       {{"window_ms", breaker.window_ms},
        {"min_calls", breaker.min_calls},
        {"failure_rate", breaker.failure_rate},
        {"open_ms", breaker.open_ms}}},
      {"load",
       {{"max_in_flight", load.max_in_flight},
        {"network_in_flight", load.network_in_flight},
        {"normal_share", load.normal_share},
        {"low_share", load.low_share},
        {"resume_share", load.resume_share}}},
      {"isolation",
       {{"forest_threads", isolation.forest_threads},
        {"network_threads", isolation.network_threads},
        {"queue_limit", isolation.queue_limit},
        {"max_wait_us", isolation.max_wait_us}}}};
  if (band) {
    json["band"] = {{"low", band->low}, {"high", band->high}};
    if (band->closed) json["band"]["closed"] = true;
    if (band->min_gain) json["band"]["min_gain"] = *band->min_gain;
  }
  return json.dump(2) + "\n";
}

}  // namespace sluice::cascade
