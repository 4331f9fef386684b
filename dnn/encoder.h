#pragma once
/// Encodes a raw row and the forest's outputs for it as the numbers that a network reads.
///
/// An encoded row is [dense inputs | category codes | forest margins], all float32:
///   numbers     a monotone piecewise-linear map of the value to normal scores (knots at the training quantiles,
///               clamped at the ends). Missing reads as 0, the median, with an added flag input if the training data
///               has missing values;
///   forest      its margins after 25, 50, 75 and 100 % of the trees, then its signals, standardised;
///   categories  the vocabulary code; one more code for unseen words and one for missing: rows of an embedding table;
///   margin      the forest's margin itself, for the residual connection.
///
/// A forest of several classes has a margin for each class, after every prefix and at the row's end. Encoding allocates
/// nothing and never fails: every cell value has an encoding.
/// Thread-safety: immutable after load; const calls are thread-safe.

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/schema.h"

namespace sluice::dnn {

/// The forest's margins after these shares of its trees are network inputs; the last is the margin.
inline constexpr std::array<double, 4> kTreePrefixes = {0.25, 0.5, 0.75, 1.0};
using PrefixMargins = std::array<float, kTreePrefixes.size()>;

/// Signals of the forest that a network can read in addition to its margins (bundle/forest_signals.h).
enum class ForestSignal {
  leaf_support,  // how much of the training data shares the row's leaves
  disagreement,  // how far the margins of the bag's forests differ
};
inline constexpr std::size_t kForestSignalCount = 2;
const char* to_string(ForestSignal signal);
/// nullopt if `name` is not a signal's name.
std::optional<ForestSignal> find_forest_signal(std::string_view name);

class Encoder {
 public:
  struct Number {
    std::size_t column = 0;  // in the schema
    bool has_missing_flag = false;
    std::vector<float> values;  // ascending knots; empty for a column that is constant or all missing: it encodes as 0
    std::vector<float> scores;  // ascending, one per knot
  };
  struct Category {
    std::size_t column = 0;
    std::size_t n_words = 0;  // codes: words, then n_words for unseen, n_words + 1 for missing
  };
  struct Scale {
    float mean = 0, deviation = 1;
  };

  /// Learns knots and scales from training rows (schema order) and the forest's margins for them.
  static Encoder fit(const Schema& schema, RowsView rows, std::span<const PrefixMargins> forest);
  /// The same for a forest of several classes. A row of `forest` has the margins of all classes after the first of
  /// kTreePrefixes, then those after the second, and so on; then the signals, each of which may be named once.
  static Encoder fit(const Schema& schema, RowsView rows, BatchView forest, std::vector<ForestSignal> signals = {});

  /// Throws Error{network.encoder} if the JSON does not match the schema or has another number of margins.
  static Encoder from_json(std::string_view json, const Schema& schema, std::string_view source,
                           std::size_t n_margins = 1);
  std::string to_json(const Schema& schema) const;

  std::size_t n_dense() const { return n_dense_; }
  /// 1, or one per class.
  std::size_t n_margins() const { return (forest_.size() - signals_.size()) / kTreePrefixes.size(); }
  std::span<const ForestSignal> signals() const { return signals_; }
  /// Margins and signals: the last of the dense inputs.
  std::size_t n_forest_inputs() const { return forest_.size(); }
  std::size_t n_encoded() const { return n_dense_ + categories_.size() + n_margins(); }
  std::span<const Number> numbers() const { return numbers_; }
  std::span<const Category> categories() const { return categories_; }

  /// `row` is in schema order; `forest` has n_forest_inputs() values as in fit(), PrefixMargins for one margin without
  /// signals; `out` has n_encoded() floats.
  void encode(RowView row, std::span<const float> forest, std::span<float> out) const;

 private:
  void count_dense();

  std::vector<Number> numbers_;
  std::vector<Category> categories_;
  std::vector<Scale> forest_;  // [kTreePrefixes.size(), n_margins], then [signals]
  std::vector<ForestSignal> signals_;
  std::size_t n_dense_ = 0;
};

}  // namespace sluice::dnn
