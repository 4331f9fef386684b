#pragma once
// Gives every node its type, every name its column, every word its code; reports all that does not fit.

#include <array>
#include <optional>
#include <string_view>

#include "sluice/base/schema.h"
#include "sluice/rules/compile/ast.h"
#include "sluice/rules/compile/definitions.h"
#include "sluice/rules/compile/faults.h"
#include "sluice/rules/ruleset.h"

namespace sluice::rules {

/// In the order of ModelOutputs.
constexpr std::array<std::string_view, 6> kGivenNames = {"p_forest",      "p_network",      "p_final",
                                                         "margin_forest", "margin_network", "now"};
constexpr std::size_t kNow = 5;  // the only one that is there before the models have run

/// The place of a given value's name; nullopt for other names.
std::optional<std::size_t> given_name(std::string_view name);

/// Whether rules of this phase can read it.
bool is_given(std::size_t which, Phase phase);

/// What a name may mean.
struct Names {
  const Schema& schema;
  Phase phase;
  const Definitions& definitions;
  std::size_t& n_patterns;  // regular expressions of the document so far: compiling one takes long beside its text
};

/// `text` is what `ast` was parsed from. The types point into the schema. A faulty node does not hide faults elsewhere
/// in the expression.
void check(Ast& ast, std::string_view text, const Names& names, Faults& faults);

/// Reports a root that is no bool.
void check_condition(const Ast& ast, Faults& faults);

}  // namespace sluice::rules
