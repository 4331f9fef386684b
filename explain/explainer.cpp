#include "sluice/explain/explainer.h"
#include "sluice/bundle/forest_inputs.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/random.h"
#include "sluice/bundle/background.h"
#include "sluice/explain/value.h"

namespace sluice::explain {
namespace {

using cascade::Cause;
using cascade::Decision;
using cascade::Stage;

constexpr double kTreeTolerance = 1e-5;  // margins are float32 sums, tree SHAP is double
constexpr double kTolerance = 1e-6;
constexpr std::chrono::hours kPatience(1);  // replaces the policy's deadline
constexpr const char* kPopulation = "population";

std::uint64_t seed_of(const Digest& digest) {
  std::uint64_t seed = 0;
  for (std::size_t i = 0; i < 6; ++i) seed = seed << 8 | digest.bytes[i];  // 48 bits: exact as a JSON number
  return seed;
}

/// Shapley values of one forest's margin, followed by the bias.
void tree_values(const gbdt::Forest& forest, const gbdt::ShapTables& tables, std::span<const float> row,
                 gbdt::Precision precision, std::span<double> phi) {
  if (precision == gbdt::Precision::audit) {
    gbdt::shap(forest, tables, BatchView(row), phi, {.kernel = {}, .precision = precision});
    return;
  }
  std::vector<float> values(phi.size());
  gbdt::ShapWorkspace workspace(tables);
  gbdt::shap_row(forest, tables, row, values, workspace);
  std::copy(values.begin(), values.end(), phi.begin());
}

/// The row as the network read it: with the fetched late cells, or with missing ones if fetching failed.
std::vector<double> seen_row(RowView row, const Decision& d, const Schema& schema) {
  std::vector<double> seen(row.begin(), row.end());
  const bool lost = d.cause == Cause::late_features_missing || d.cause == Cause::late_features_late ||
                    d.cause == Cause::late_features_failed;
  const auto late = schema.late_columns();
  for (std::size_t i = 0; i < late.size(); ++i) {
    if (d.late_fetched)
      seen[late[i]] = d.late[i];
    else if (lost)
      seen[late[i]] = std::nan("");
  }
  return seen;
}

/// The rule sets that the engine evaluated for this decision.
std::vector<PhaseTrace> traces(const cascade::Bundle& bundle, RowView row, const Decision& d) {
  std::vector<PhaseTrace> phases;
  const auto add = [&](const std::optional<rules::RuleSet>& rules, bool ran, const rules::ModelOutputs& models) {
    if (rules && ran) phases.push_back({rules->phase(), rules->trace(row, models)});
  };
  const bool ruled_out = d.pre.action != rules::Action::none || d.pre.undecided;
  add(bundle.pre, true, {});
  add(bundle.fallback, !ruled_out && !d.forest.ran, {});
  add(bundle.post, d.forest.ran, {d.forest.p, d.network.p, d.p_final, d.forest.margin, d.network.margin});
  return phases;
}

/// The served value, in the unit of the route's game.
double output_of(const cascade::Bundle& bundle, Route route, const Decision& d) {
  if (route == Route::forest) return static_cast<double>(d.forest.margin);
  if (route == Route::network) return static_cast<double>(d.network.margin);
  return d.network.ran ? calibrated_log_odds(bundle.calibration.network, d.network.margin)
                       : calibrated_log_odds(bundle.calibration.forest, d.forest.margin);
}

/// A fixed table of permutations per bundle, of which only the needed ones are drawn: the result does not depend on
/// earlier calls.
Permutation permutations_of(std::uint64_t seed) {
  return [seed](std::size_t reference, std::size_t pair, std::span<std::uint16_t> out) {
    Random random(seed, static_cast<std::uint64_t>(reference) << 16 | pair);
    std::iota(out.begin(), out.end(), std::uint16_t{0});
    for (std::size_t i = out.size(); i > 1; --i) std::swap(out[i - 1], out[random.below(i)]);
  };
}

bool explains_forest(Game game, const Decision& d) {
  return game == Game::stage_margin || (game == Game::served_path && !d.network.ran);
}

}  // namespace

Explainer::Explainer(const cascade::Engine& engine, ExplainOptions options)
    : engine_(engine), options_(std::move(options)), seed_(seed_of(engine.bundle().digest)) {
  const cascade::Bundle& bundle = engine.bundle();
  if (bundle.forests != nullptr)
    for (const gbdt::Forest& forest : *bundle.forests) tables_.emplace_back(forest);
  std::vector<std::string> names;
  for (const auto& [name, bytes] : bundle.backgrounds) {
    Table rows = cascade::read_background(bytes, bundle.schema, "backgrounds/" + name + ".arrow");
    BackgroundInfo info{name, rows.n_rows(), sha256(bytes)};
    backgrounds_[name] = {std::move(rows), std::move(info)};
    names.push_back(name);
  }
  if (options_.background.empty() || backgrounds_.contains(options_.background)) return;
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
  throw Error("explain.background", "the bundle has no background \"" + options_.background + "\"",
              list.empty() ? "it has no backgrounds" : "it has: " + list);
}

Explanation Explainer::explain(RowView row) const {
  return explain(row, engine_.decide(row, cascade::Deadline::in(kPatience)));
}

Explanation Explainer::explain(RowView row, const Decision& decision) const {
  const cascade::Bundle& bundle = engine_.bundle();
  if (row.size() != bundle.schema.size())
    throw Error("shape", "a row has " + std::to_string(bundle.schema.size()) +
                             " columns in this bundle's schema, not " + std::to_string(row.size()));
  Explanation e{
      .decision = decision, .row = seen_row(row, decision, bundle.schema), .phases = traces(bundle, row, decision)};
  if (!decision.forest.ran || decision.took(Stage::safe_default)) return e;
  e.attribution = attribute(e.row, decision);
  e.reasons = adverse_reasons(*e.attribution, e.row, bundle.schema, options_.catalogue, options_.max_reasons);
  return e;
}

Attribution Explainer::attribute(RowView row, const Decision& d) const {
  const bool of_forest = explains_forest(options_.game, d);
  const Method method = options_.method != Method::automatic ? options_.method
                        : of_forest                          ? Method::tree
                                                             : Method::permutation;
  if (method == Method::tree && !of_forest)
    throw Error("explain.method",
                std::string("method tree explains only the forest's margin, but game ") + to_string(options_.game) +
                    " of this row explains " + (d.network.ran ? "the network's" : "the whole system's"),
                "use --method permutation or --game stage_margin");
  return method == Method::tree ? attribute_tree(row, d) : attribute_by_game(row, d, method);
}

Attribution Explainer::attribute_tree(RowView row, const Decision& d) const {
  const cascade::Bundle& bundle = engine_.bundle();
  const auto columns = bundle.schema.forest_columns();
  std::vector<float> inputs(columns.size());
  cascade::gather_columns(row, columns, inputs);
  Attribution a{.game = options_.game, .method = Method::tree, .output = static_cast<double>(d.forest.margin)};
  a.phi.resize(row.size());
  a.standard_error.resize(row.size());
  const auto n_forests = static_cast<double>(bundle.forests->size());
  std::vector<double> phi(columns.size() + 1);
  for (std::size_t k = 0; k < tables_.size(); ++k) {
    tree_values((*bundle.forests)[k], tables_[k], inputs, options_.precision, phi);
    for (std::size_t f = 0; f < columns.size(); ++f) a.phi[columns[f]] += phi[f] / n_forests;
    a.base += phi.back() / n_forests;
  }
  a.n_evaluations = 1;
  check_additivity(a, kTreeTolerance);
  return a;
}

Attribution Explainer::attribute_by_game(RowView row, const Decision& d, Method method) const {
  const cascade::Bundle& bundle = engine_.bundle();
  const bool of_forest = explains_forest(options_.game, d);
  const Route route = of_forest ? Route::forest : options_.game == Game::system ? Route::routed : Route::network;
  GameValue value(engine_, route, d.cause == Cause::none || d.cause == Cause::late_features_missing);
  const Background& background = background_for(d);
  const auto players = of_forest ? bundle.schema.forest_columns() : bundle.schema.network_columns();
  const ShapleyInput input{row, background.rows.view(), players};

  Attribution a{
      .game = options_.game, .method = method, .output = output_of(bundle, route, d), .background = background.info};
  const Evaluate evaluate = [&value](RowsView rows, std::span<double> out) { value(rows, out); };
  double row_value = 0;
  // Evaluated again, so that check_additivity detects a stage that no longer returns what it served.
  evaluate(RowsView(row), {&row_value, 1});
  const ShapleyValues values = method == Method::exact ? exact_shapley(input, evaluate)
                                                       : permutation_shapley(input, row_value, permutations_of(seed_),
                                                                             options_.sampling, evaluate);
  a.base = values.base;
  a.phi.resize(row.size());
  a.standard_error.resize(row.size());
  for (std::size_t i = 0; i < players.size(); ++i) {
    a.phi[players[i]] = values.phi[i];
    a.standard_error[players[i]] = values.standard_error[i];
  }
  a.n_permutations = 2 * values.n_pairs;
  a.n_evaluations = value.n_evaluations();
  a.off_route_fraction = value.off_route_fraction();
  check_additivity(a, kTolerance);
  return a;
}

const Explainer::Background& Explainer::background_for(const Decision& d) const {
  std::string name = options_.background;
  if (name.empty())
    name = options_.game == Game::system       ? kPopulation
           : explains_forest(options_.game, d) ? "approved_forest"
                                               : "approved_network";
  auto it = backgrounds_.find(name);
  if (it == backgrounds_.end()) it = backgrounds_.find(kPopulation);
  if (it == backgrounds_.end())
    throw Error("explain.background",
                "the bundle has neither the background \"" + name + "\" nor \"population\" to compare the row with",
                "use a bundle of sluice train, which has backgrounds");
  return it->second;
}

}  // namespace sluice::explain
