#pragma once
/// Shapley values of one decision, with everything that is needed to say what they are values of.

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/digest.h"

namespace sluice::explain {

/// Which function is explained. Routing makes the cascade discontinuous, so this must be said.
enum class Game {
  served_path,   // the margin of the stage that served the row, its route frozen
  stage_margin,  // the forest's margin, whichever stage served: why the row was routed as it was
  system,  // slope · margin + intercept (calibrated log-odds, logit(p_final)) of whichever stage a mixed row is routed
           // to
};

enum class Method {
  automatic,    // tree where the forest's margin is explained, permutation otherwise
  tree,         // exact, path-dependent (gbdt/tree_shap.h); needs no background
  permutation,  // sampled against a background (Štrumbelj and Kononenko, 2014), in antithetic pairs, with standard
                // errors
  exact,        // all coalitions against a background, up to kMaxExactPlayers columns
};

struct BackgroundInfo {
  std::string name;  // in the bundle; empty where the method needs none
  std::size_t n_rows = 0;
  Digest digest;  // of its file's bytes
};

struct Attribution {
  Game game = Game::served_path;
  Method method = Method::tree;  // the one that was used, never automatic
  double base = 0;               // the game's value where no column is known
  double output = 0;             // what was served, in the game's unit: log-odds
  std::vector<double> phi;       // one a schema column; 0 for columns that no model reads. Positive raises the risk
  std::vector<double> standard_error;  // of phi, as sampled; 0 for exact methods
  double residual = 0;                 // base + Σ phi - output
  std::size_t n_evaluations = 0;       // rows scored
  std::size_t n_permutations = 0;      // for each background row, both of a pair counted; 0 unless sampled
  /// Share of scored mixed rows whose forest probability leaves the band: how far the frozen route strays. NaN unless
  /// the network was explained.
  double off_route_fraction = std::numeric_limits<double>::quiet_NaN();
  BackgroundInfo background;
};

const char* to_string(Game game);      // "served_path"
const char* to_string(Method method);  // "permutation"; "auto"
/// Throws Error{explain.game|explain.method} listing what there is.
Game parse_game(std::string_view name);
Method parse_method(std::string_view name);

/// Sets the residual. Throws Error{explain.additivity} where it is above `tolerance` · max(1, |output|): an attribution
/// that does not add up explains something else.
void check_additivity(Attribution& attribution, double tolerance);

}  // namespace sluice::explain
