#include "sluice/bundle/costs.h"

#include "sluice/base/json_fields.h"

namespace sluice::cascade {

double Costs::of(Action action, bool is_bad) const {
  switch (action) {
    case Action::approve:
      return is_bad ? false_negative : 0;
    case Action::decline:
      return is_bad ? 0 : false_positive;
    case Action::review:
    case Action::none:
      return review ? *review : of(Action::decline, is_bad);
  }
  return 0;
}

Cutoffs Costs::cutoffs() const {
  const double break_even = false_positive / (false_positive + false_negative);
  if (!review) return {break_even, break_even, Action::review};
  const double approve_below = *review / false_negative, decline_from = 1 - *review / false_positive;
  if (approve_below >= decline_from) return {break_even, break_even, Action::review};
  return {approve_below, decline_from, Action::review};
}

Costs Costs::for_bad_rate(double bad_rate) {
  Costs costs;
  if (bad_rate > 0 && bad_rate < 1) costs.false_negative = (1 - bad_rate) / bad_rate;
  costs.review = 0.75 * costs.false_positive * costs.false_negative / (costs.false_positive + costs.false_negative);
  return costs;
}

double price_of_forwarding(const Costs& costs, const Schema& schema) {
  double price = costs.network_call;
  for (const std::size_t column : schema.late_columns()) price += schema[column].fetch_cost;
  return price;
}

Costs Costs::from_json(std::string_view text, std::string_view source_view) {
  const std::string source(source_view);
  const Json json = parse_json(text, source, "costs.json");
  std::vector<Diagnostic> diagnostics;
  JsonFields fields(json, "", source, "costs", diagnostics);
  for (const char* key : {"false_positive", "false_negative"}) fields.require(key);
  constexpr double kMin = 1e-12, kMax = 1e12;
  Costs costs;
  costs.false_positive = fields.number("false_positive", 1, kMin, kMax);
  costs.false_negative = fields.number("false_negative", 1, kMin, kMax);
  if (fields.has("review"))
    costs.review = fields.number("review", 0, kMin, kMax);
  else
    fields.child("review");
  costs.network_call = fields.number("network_call", 0, 0, kMax);
  fields.finish();
  throw_if_errors(diagnostics);
  return costs;
}

std::string Costs::to_json() const {
  Json json = {{"false_positive", false_positive}, {"false_negative", false_negative}, {"network_call", network_call}};
  if (review) json["review"] = *review;
  return json.dump(1) + "\n";
}

}  // namespace sluice::cascade
