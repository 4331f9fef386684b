#include "sluice/explain/attribution.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "sluice/base/error.h"
#include "sluice/base/number.h"

namespace sluice::explain {
namespace {

constexpr const char* kGames[] = {"served_path", "stage_margin", "system"};
constexpr const char* kMethods[] = {"auto", "tree", "permutation", "exact"};

template <class Enum, std::size_t n>
Enum parse(std::string_view name, const char* const (&words)[n], const std::string& what) {
  const auto it = std::find(std::begin(words), std::end(words), name);
  if (it != std::end(words)) return static_cast<Enum>(it - std::begin(words));
  std::string list;
  for (const char* word : words) list += (list.empty() ? "" : ", ") + std::string(word);
  throw Error("explain." + what, "unknown " + what + " \"" + std::string(name) + "\"", "use one of: " + list);
}

}  // namespace

const char* to_string(Game game) { return kGames[static_cast<std::size_t>(game)]; }
const char* to_string(Method method) { return kMethods[static_cast<std::size_t>(method)]; }
Game parse_game(std::string_view name) { return parse<Game>(name, kGames, "game"); }
Method parse_method(std::string_view name) { return parse<Method>(name, kMethods, "method"); }

void check_additivity(Attribution& a, double tolerance) {
  a.residual = std::accumulate(a.phi.begin(), a.phi.end(), a.base) - a.output;
  if (std::abs(a.residual) <= tolerance * std::max(1.0, std::abs(a.output))) return;
  throw Error("explain.additivity",
              std::string("base and attributions add up to ") + number_text(a.output + a.residual) +
                  "; the served value is " + number_text(a.output) + " (game " + to_string(a.game) + ", method " +
                  to_string(a.method) + ")",
              "either a stage is not deterministic, or the decision was made by another bundle");
}

}  // namespace sluice::explain
