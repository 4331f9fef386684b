#pragma once
/// Forests of every shape that loading and dispatch tell apart: each limit of gbdt/ one below, at and one above. What
/// random forests (random_forest.h) reach by chance, these reach by construction.

#include <string>
#include <vector>

#include "support/random_forest.h"

namespace sluice::test {

struct NamedModel {
  std::string name;
  PlainModel model;
};

/// All shapes. The same for the same seed.
std::vector<NamedModel> models_at_limits(std::uint64_t seed);

/// The one of that name; throws std::out_of_range where there is none.
PlainModel model_at_limit(std::uint64_t seed, const std::string& name);

/// Rows whose cells lie just below, at and just above the model's thresholds, in, between and beyond its categories, or
/// are missing.
FloatTable boundary_rows(const PlainModel& model, std::size_t n_rows, Random& random);

}  // namespace sluice::test
