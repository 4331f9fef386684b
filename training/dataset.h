#pragma once
/// A labelled table in memory, its split, and a look for labels that leaked into features.

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/progress.h"
#include "sluice/base/schema.h"

namespace sluice::training {

struct Dataset {
  Table rows;                 // schema order
  std::vector<float> labels;  // 0 or 1
  std::string digest;         // SHA-256 of cells and labels, hexadecimal
  std::vector<std::string> warnings;
};

/// Throws what io::RowReader throws, and Error{data.*}: no rows, one class only, fewer than 20 rows of a class.
Dataset load_dataset(const std::string& path, const Schema& schema, const std::string& label,
                     const std::string& positive, const Progress& progress = {});

/// Row numbers, ascending in each part.
struct Split {
  std::vector<std::size_t> train, valid, test;
};

/// 60 / 20 / 20 %, each row by a hash of its number and the seed; or, with a time column, in time order, the latest
/// last (rows without a time go first).
Split split_rows(const Dataset& data, const Schema& schema, std::uint64_t seed, const std::string& time_column);

/// As a column of the file says: "train", "valid" or "test" in every row. Throws Error{data.split} naming the line of
/// any other text, and where the file has no such column.
Split split_by_column(const std::string& path, const std::string& column);

/// The rows of `which`, copied.
Table take_rows(const Table& rows, const std::vector<std::size_t>& which);
std::vector<float> take_labels(const std::vector<float>& labels, const std::vector<std::size_t>& which);

/// One line for each model column that alone ranks the label nearly perfectly (AUC >= 0.98, either way).
std::vector<std::string> find_leaks(const Dataset& data, const Schema& schema);

}  // namespace sluice::training
