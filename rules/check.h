#pragma once
// Gives every node its type, every name its column, every word its code; reports all that does not fit.

#include <array>
#include <string_view>

#include "sluice/base/schema.h"
#include "sluice/rules/ast.h"
#include "sluice/rules/faults.h"
#include "sluice/rules/ruleset.h"

namespace sluice::rules {

/// In the order of ModelOutputs.
constexpr std::array<std::string_view, 5> kModelOutputNames = {"p_forest", "p_network", "p_final", "margin_forest",
                                                               "margin_network"};

/// The place of a model output's name; nullopt for other names.
std::optional<std::size_t> model_output(std::string_view name);

/// `text` is what `ast` was parsed from. The types point into `schema`. A faulty node does not hide faults elsewhere in
/// the expression.
void check(Ast& ast, std::string_view text, const Schema& schema, Phase phase, Faults& faults);

}  // namespace sluice::rules
