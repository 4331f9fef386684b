#pragma once
/// A case of the forest bench: a model that libxgboost has trained, and rows for it, as files that every peer reads.
///
///   case.json                n_rows, n_features, n_trees, depth, n_classes, categories, has_missing
///   model.json               XGBoost
///   rows.f32, background.f32, train.f32, train_labels.f32, margins.f32     float32, row after row, little-endian

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "sluice/base/batch.h"

namespace sluice::bench {

struct Shape {
  std::size_t n_trees = 300, depth = 6, n_features = 64, n_classes = 1;
  bool has_categories = false;  // every fourth column, of 20 categories
  bool has_missing = true;      // 3 % of the cells
  double gamma = 0;             // the least gain of a split: trees get small where there is little left to gain
  std::size_t n_training_rows = 20'000;
};

struct Case {
  Shape shape;
  std::string model;
  FloatTable rows, background;
};

/// Trains and writes the files.
Case make_case(const Shape& shape, const std::filesystem::path& folder);
/// Reads them.
Case read_case(const std::filesystem::path& folder);

}  // namespace sluice::bench
