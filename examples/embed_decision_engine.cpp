// A decision engine around a trained bundle: embed_decision_engine BUNDLE [CHALLENGER]. Writes into service/.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <vector>

#include <sluice/audit/log.h>
#include <sluice/audit/replay.h>
#include <sluice/audit/verify.h>
#include <sluice/cascade/resilience/isolate.h>
#include <sluice/cascade/rollout/deployment.h>
#include <sluice/experiment/plan.h>

using namespace sluice;
using namespace std::chrono;

// One account in ten is decided by the challenger, always the same ones.
constexpr const char* kPlan = R"({"plan_version": 1, "layers": [{"name": "models", "key": "account", "salt": "2024"}],
  "experiments": [{"name": "spring", "layer": "models", "buckets": [0, 10000], "salt": "spring-1", "arms": [
    {"name": "as-is", "share": 0.9},
    {"name": "new", "share": 0.1, "challenger": {"kind": "bundle", "ref": "CHALLENGER"}}]}]})";

// Where late columns come from: asked only for requests inside the band, on threads that may hang.
struct Bureau final : cascade::FeatureProvider {
  Result fetch(RowView, std::span<double> late, cascade::Deadline) const override {
    std::fill(late.begin(), late.end(), 0.0);
    return Result::ok;
  }
};

std::int64_t now_us() { return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count(); }

int main(int argc, char** argv) {
  const auto load = [](const char* path) {
    return std::make_shared<const cascade::Bundle>(cascade::Bundle::load(path));
  };
  const auto bundle = load(argc > 1 ? argv[1] : "bundle"), challenger = argc > 2 ? load(argv[2]) : bundle;
  const Schema& schema = bundle->schema;
  cascade::Deployment service(bundle, "ann", "first release", {.history = "history.jsonl"});
  cascade::Deployment trial(challenger, "ann", "experiment spring");
  const auto plan = experiment::parse_experiments(kPlan, "plan.json");
  const auto bureau = cascade::isolate(std::make_shared<const Bureau>(), schema);
  audit::Log log("service", {.encrypt = true});  // a key for each subject: deleting it erases them

  const auto decide = [&](const char* id, const char* account, RowView row) {
    const std::int64_t time_us = now_us();
    const auto assigned = plan.assign(account, time_us);
    const bool is_new = !assigned.empty() && assigned.places()[0].arm == 1;
    const auto use = (is_new ? trial : service).use();  // one version, from the first rule to the record
    const auto d = use.decide({.row = row,
                               .deadline = cascade::Deadline::in(milliseconds(5)),
                               .provider = bureau.get(),
                               .now_us = time_us,
                               .priority = cascade::Priority::high});
    const std::string arm = experiment::arm_text(plan, assigned);
    const auto subject = log.subject_reference(account);
    log.append(use.bundle(), d, {id, subject, time_us, now_us(), "", arm, row});
    std::printf("%s, p = %.4f, level %s %s\n", rules::to_string(d.action), d.p_final, cascade::to_string(d.level),
                cascade::to_string(d.cause));
  };

  std::vector<double> row(schema.size(), NAN);  // in schema order; NaN is missing
  row[schema.index_of("amount")] = 912.50;
  schema.parse_cell(schema.index_of("channel"), "online", row[schema.index_of("channel")]);
  decide("r-1", "account-17", row);
  service.promote(challenger, "ann", "it won");  // under load; the guard takes it back where it does worse
  decide("r-2", "account-18", row);
  service.roll_back("ann", "to show how");

  std::printf("%s\n", service.counts().to_json().c_str());  // in = L0 + L1 + L2 + L3
  const auto n_lost = log.close();
  const bool is_whole = audit::verify_log("service").is_whole();
  const auto again = audit::replay("service", bundle);
  std::printf("log %s, %d lost, %d of %d decided otherwise\n", is_whole ? "whole" : "damaged", int(n_lost),
              int(again.n_different), int(again.n_records));
}
