#pragma once
/// A labelled table in memory, its split, and a search for features that leak the label.
///
/// Thread-safety: the functions are pure, except that they read files; a dataset that does not change can be shared
/// between threads.

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

/// Reads a file; `positive` is the label's text that counts as 1. Throws what io::RowReader throws, and Error{data.*}
/// if there are no rows, only one class, or fewer than 20 rows of a class.
Dataset load_dataset(const std::string& path, const Schema& schema, const std::string& label,
                     const std::string& positive, const Progress& progress = {});

/// Row numbers, ascending in each part.
struct Split {
  std::vector<std::size_t> train, valid, test;
};

/// Splits 60 / 20 / 20 %, each row by a hash of its number and the seed; with a time column in time order, so that the
/// latest rows are the test part (rows without a time are the earliest).
Split split_rows(const Dataset& data, const Schema& schema, std::uint64_t seed, const std::string& time_column);

/// Splits by a column of the file, which contains "train", "valid" or "test" in every row. Throws Error{data.split} if
/// the file has no such column, or, naming the line, if a row has another text.
Split split_by_column(const std::string& path, const std::string& column, const Progress& progress = {});

/// Copies of the rows `which`.
Table take_rows(const Table& rows, const std::vector<std::size_t>& which);
std::vector<float> take_labels(const std::vector<float>& labels, const std::vector<std::size_t>& which);

/// One warning for each model column that alone ranks the label almost perfectly (AUC >= 0.98 in either direction).
std::vector<std::string> find_leaks(const Dataset& data, const Schema& schema);

}  // namespace sluice::training
