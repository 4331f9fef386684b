#pragma once
// Assigns a type to every node, a column to every name and a code to every word; reports all mismatches.

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
constexpr std::size_t kNow = 5;  // the only one that is known before the models have run

/// The index of a given value's name; nullopt for other names.
std::optional<std::size_t> given_name(std::string_view name);

/// Whether rules of this phase can read it.
bool is_given(std::size_t which, Phase phase);

/// The possible meanings of a name.
struct Names {
  const Schema& schema;
  Phase phase;
  const Definitions& definitions;
  // Regular expressions of the document so far: compiling one is slow relative to its length.
  std::size_t& n_patterns;
};

/// `ast` was parsed from `text`. The types point into the schema. A faulty node does not hide faults elsewhere in the
/// expression.
void check(Ast& ast, std::string_view text, const Names& names, Faults& faults);

/// Reports a root that is not a bool.
void check_condition(const Ast& ast, Faults& faults);

}  // namespace sluice::rules
