#pragma once
/// A raw row and what the forest said of it, as the numbers that a network reads.
///
/// An encoded row is [dense inputs | category codes | forest margins], all float32:
///   numbers     a monotone piecewise-linear map of the value to normal scores (knots at the training quantiles,
///   clamped at the ends);
///               missing reads as 0, the median, beside a flag input where training saw missing values;
///   forest      its margins after 25, 50, 75 and 100 % of the trees, then signals of it, standardised;
///   categories  the vocabulary code; one code more for words never seen, one for missing: rows of an embedding table;
///   margin      the forest's margin itself, for the residual connection.
/// A forest of several classes has a margin for each of them: at every stage, and at the row's end.
/// Immutable after load; const is thread-safe. Encoding allocates nothing and never fails: every cell value has an
/// encoding.

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

/// What a network may be told of the forest beside its margins (bundle/forest_signals.h).
enum class ForestSignal {
  leaf_support,  // how much of what the forest learnt from stands in the row's leaves
  disagreement,  // how far the forests of the bag are apart
};
inline constexpr std::size_t kForestSignalCount = 2;
const char* to_string(ForestSignal signal);
/// None for what is no signal's name.
std::optional<ForestSignal> find_forest_signal(std::string_view name);

class Encoder {
 public:
  struct Number {
    std::size_t column = 0;  // in the schema
    bool has_missing_flag = false;
    std::vector<float> values;  // ascending knots; empty for a column that is constant or all missing: it encodes as 0
    std::vector<float> scores;  // ascending, as many
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
  /// The same for a forest of several classes; a row of `forest` holds the margins of all classes after the first of
  /// kTreePrefixes, then those after the second, and so on; then the signals, each of which is named once at most.
  static Encoder fit(const Schema& schema, RowsView rows, BatchView forest, std::vector<ForestSignal> signals = {});

  /// Throws Error{network.encoder} where the JSON does not fit the schema or has another number of margins.
  static Encoder from_json(std::string_view json, const Schema& schema, std::string_view source,
                           std::size_t n_margins = 1);
  std::string to_json(const Schema& schema) const;

  std::size_t n_dense() const { return n_dense_; }
  std::size_t n_margins() const {
    return (forest_.size() - signals_.size()) / kTreePrefixes.size();
  }  // 1, or a class each
  std::span<const ForestSignal> signals() const { return signals_; }
  std::size_t n_forest_inputs() const { return forest_.size(); }  // margins and signals: the last of the dense inputs
  std::size_t n_encoded() const { return n_dense_ + categories_.size() + n_margins(); }
  std::span<const Number> numbers() const { return numbers_; }
  std::span<const Category> categories() const { return categories_; }

  /// `row` in schema order; `forest` holds n_forest_inputs() as in fit(), PrefixMargins for one margin without signals;
  /// `out` holds n_encoded() floats.
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
