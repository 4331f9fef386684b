#pragma once
/// Explains decisions of an engine.
///
///     served by                      explained by
///     the forest                     tree SHAP of the bag: the mean over its forests
///     the network                    permutation Shapley values of the true composite (row → forest → encoder →
///     network) against a background rules, or the safe default     the rules themselves; no Shapley values are
///     invented
///
/// Immutable and thread-safe; the engine must outlive it. The same bundle and row give the same bits: permutations are
/// drawn from the bundle's digest, never from the request. Cost, network: background rows × pairs × 2 × (columns - 1)
/// rows scored.

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
  std::string background;  // empty: approved_network or approved_forest after the stage, population for `system`;
                           // population where those are not
  SamplingOptions sampling;
  ReasonCatalogue catalogue;
  std::size_t max_reasons = kMaxReasons;
  gbdt::Precision precision = gbdt::Precision::audit;  // of tree SHAP; `single` is 1e-5 exact and 20 times as fast
};

/// A rule set's part in a decision.
struct PhaseTrace {
  rules::Phase phase = rules::Phase::pre;
  rules::Trace trace;
};

struct Explanation {
  cascade::Decision decision;
  std::vector<double> row;                 // raw, with the late cells that the network saw
  std::optional<Attribution> attribution;  // none: rules or the safe default decided without a score
  std::vector<RankedReason> reasons;
  std::vector<PhaseTrace> phases;  // the rule sets that were evaluated, in order
};

class Explainer {
 public:
  /// Throws Error{explain.*, background.*}: a background that is not in the bundle or cannot be read.
  explicit Explainer(const cascade::Engine& engine, ExplainOptions options = {});

  /// Decides the row, without the policy's deadline, and explains that. Throws Error{explain.method} where the method
  /// cannot explain the game for this row, Error{explain.background} where the bundle has no background,
  /// Error{explain.additivity}, Error{explain.not_finite}, Error{shape}.
  Explanation explain(RowView row) const;
  /// Explains a decision that this engine made of this row.
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
  std::vector<gbdt::ShapTables> tables_;  // one a forest of the bag
  std::uint64_t seed_ = 0;
};

}  // namespace sluice::explain
