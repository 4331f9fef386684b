#pragma once
/// Explains decisions of an engine.
///
///     served by                     explained by
///     the forest                    tree SHAP of the bag: the mean over its forests
///     the network                   permutation Shapley values of the composite row → forest → encoder → network,
///                                   against a background
///     rules, or the safe default    the rules themselves, without Shapley values
///
/// The same bundle and row give the same bits: permutations are drawn from the bundle's digest, not from the request.
/// Cost for the network: background rows × pairs × 2 × (columns - 1) rows are scored.
/// Thread-safety: immutable; const calls are thread-safe. The engine must outlive the explainer.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/cascade/engine.h"
#include "sluice/explain/attribution.h"
#include "sluice/explain/reasons.h"
#include "sluice/explain/shapley.h"
#include "sluice/gbdt/shap.h"

namespace sluice::explain {

struct ExplainOptions {
  Game game = Game::served_path;
  Method method = Method::automatic;
  // Name of a background in the bundle. Empty: approved_network or approved_forest, depending on the stage, and
  // population for `system` or if the bundle has no such background.
  std::string background;
  SamplingOptions sampling;
  ReasonCatalogue catalogue;
  std::size_t max_reasons = kMaxReasons;
  gbdt::Precision precision = gbdt::Precision::audit;  // of tree SHAP; `single` is exact to 1e-5 and 20 times as fast
};

/// How a rule set was evaluated in a decision.
struct PhaseTrace {
  rules::Phase phase = rules::Phase::pre;
  rules::Trace trace;
};

struct Explanation {
  cascade::Decision decision;
  std::vector<double> row;                 // raw, in schema order, with the late cells that the network read
  std::optional<Attribution> attribution;  // empty if rules or the safe default decided without a score
  std::vector<RankedReason> reasons;
  std::vector<PhaseTrace> phases;  // the rule sets that were evaluated, in order
};

class Explainer {
 public:
  /// Throws Error{explain.background} if the bundle does not have the background, and Error{background.*} if one cannot
  /// be read.
  explicit Explainer(const cascade::Engine& engine, ExplainOptions options = {});

  /// Decides the row without the policy's deadline and explains the decision. `row` is raw, in schema order. Throws
  /// Error{shape} for another number of columns, Error{explain.method} if the method cannot explain the game for this
  /// row, Error{explain.background} if the bundle has no background, and Error{explain.additivity, explain.not_finite,
  /// explain.too_many_columns}.
  Explanation explain(RowView row) const;
  /// Explains a decision that this engine made for this row. Throws the same errors.
  Explanation explain(RowView row, const cascade::Decision& decision) const;

  const cascade::Engine& engine() const { return engine_; }
  const ExplainOptions& options() const { return options_; }
  std::uint64_t seed() const { return seed_; }  // of the permutations: 48 bits of the bundle's digest

 private:
  struct Background {
    Table rows;
    BackgroundInfo info;
  };

  Attribution attribute(RowView row, const cascade::Decision& decision) const;
  Attribution attribute_tree(RowView row, const cascade::Decision& decision) const;
  Attribution attribute_by_game(RowView row, const cascade::Decision& decision, Method method) const;
  const Background& background_for(const cascade::Decision& decision) const;

  const cascade::Engine& engine_;
  ExplainOptions options_;
  std::map<std::string, Background> backgrounds_;
  std::vector<gbdt::ShapTables> tables_;  // one per forest of the bag
  std::uint64_t seed_ = 0;
};

}  // namespace sluice::explain
