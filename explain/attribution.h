#pragma once
/// Shapley values of one decision, with everything that is needed to interpret them: game, method and background.
/// Thread-safety: plain data; the functions are thread-safe.

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/digest.h"

namespace sluice::explain {

/// Which function is explained. Routing makes the cascade discontinuous, so there are several.
enum class Game {
  served_path,   // the margin of the stage that served the row, with its route fixed
  stage_margin,  // the forest's margin, whichever stage served: explains the routing
  // Calibrated log-odds (slope · margin + intercept, logit(p_final)) of the stage to which each mixed row is routed.
  system,
};

enum class Method {
  automatic,  // tree if the forest's margin is explained, permutation otherwise
  tree,       // exact, path-dependent (gbdt/tree_shap.h); needs no background
  // Sampled against a background (Štrumbelj and Kononenko, 2014), in antithetic pairs, with standard errors.
  permutation,
  exact,  // all coalitions against a background, up to kMaxExactPlayers columns
};

struct BackgroundInfo {
  std::string name;  // in the bundle; empty if the method needs none
  std::size_t n_rows = 0;
  Digest digest;  // of its file's bytes
};

struct Attribution {
  Game game = Game::served_path;
  Method method = Method::tree;  // the method used, never automatic
  double base = 0;               // the game's expected value over the background (tree: over the training data)
  double output = 0;             // the served value, in the game's unit: log-odds
  std::vector<double> phi;       // one per schema column; 0 for columns that no model reads. Positive raises the risk
  std::vector<double> standard_error;  // of phi, from sampling; 0 for exact methods
  double residual = 0;                 // base + Σ phi - output
  std::size_t n_evaluations = 0;       // rows scored
  std::size_t n_permutations = 0;      // per background row, counting both of a pair; 0 unless sampled
  /// Share of the scored mixed rows, in [0, 1], that the engine would not have forwarded: how much the fixed route
  /// matters. NaN unless the network was explained.
  double off_route_fraction = std::numeric_limits<double>::quiet_NaN();
  BackgroundInfo background;
};

const char* to_string(Game game);      // "served_path"
const char* to_string(Method method);  // "permutation"; "auto"
/// Throws Error{explain.game} or Error{explain.method} for an unknown name; the hint lists the known ones.
Game parse_game(std::string_view name);
Method parse_method(std::string_view name);

/// Sets the residual. Throws Error{explain.additivity} if |residual| is above `tolerance` · max(1, |output|): an
/// attribution that does not add up to the output does not explain it.
void check_additivity(Attribution& attribution, double tolerance);

}  // namespace sluice::explain
