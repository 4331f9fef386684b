#pragma once
/// Forests of every shape that loading and dispatch distinguish: each limit of gbdt/ one below, at and one above.
/// Random forests (random_forest.h) reach these shapes by chance, these by construction.

#include <string>
#include <vector>

#include "support/random_forest.h"

namespace sluice::test {

struct NamedModel {
  std::string name;
  PlainModel model;
};

/// All shapes; equal for equal seeds.
std::vector<NamedModel> models_at_limits(std::uint64_t seed);

/// The model with that name; throws std::out_of_range if there is none.
PlainModel model_at_limit(std::uint64_t seed, const std::string& name);

/// Rows with cells just below, at and just above the model's thresholds, in, between and beyond its categories, or
/// missing.
FloatTable boundary_rows(const PlainModel& model, std::size_t n_rows, Random& random);

}  // namespace sluice::test
