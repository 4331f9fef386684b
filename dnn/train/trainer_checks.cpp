#include "sluice/dnn/train/trainer_checks.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "sluice/base/error.h"

namespace sluice::dnn {
namespace {

bool is_whole_below(float x, std::size_t end) { return x >= 0 && x < static_cast<float>(end) && x == std::floor(x); }

bool has_codes(const Encoder& encoder, std::span<const float> row) {
  for (std::size_t c = 0; c < encoder.categories().size(); ++c)
    if (!is_whole_below(row[encoder.n_dense() + c], encoder.categories()[c].n_words + 2)) return false;
  return true;
}

void check_rows(const Encoder& encoder, const TrainingRows& rows, const std::string& which) {
  if (rows.encoded.n_rows == 0 || rows.encoded.n_rows != rows.labels.size() ||
      rows.encoded.n_columns != encoder.n_encoded())
    throw Error("training.shape", "the network's " + which + " rows are empty or do not match the encoder");
  const std::size_t n_classes = std::max<std::size_t>(2, encoder.n_margins());
  for (std::size_t i = 0; i < rows.labels.size(); ++i) {
    const auto fail = [&](const char* code, const std::string& what, const char* hint) {
      throw Error(code, which + " row " + std::to_string(i) + " " + what, hint);
    };
    const auto row = rows.encoded.row(i);
    if (!std::all_of(row.begin(), row.end(), [](float x) { return std::isfinite(x); }))
      fail("training.not_finite", "has a value that is not finite",
           "Encoder::encode produces finite values if the margins are finite");
    if (!has_codes(encoder, row))
      fail("training.code", "has a code that its category lacks", "use the codes of Encoder::encode");
    if (!is_whole_below(rows.labels[i], n_classes))
      fail("training.label", "has a label outside 0 to " + std::to_string(n_classes - 1), "classes are whole numbers");
  }
}

void check_options(const TrainerOptions& options, std::size_t n_outputs) {
  const auto fail = [](const std::string& what, const std::string& hint) {
    throw Error("training.options", what, hint);
  };
  if (options.members.empty()) fail("the network has no members", "list at least one");
  if (options.batch_size == 0 || options.block_rows == 0 || options.n_blocks == 0)
    fail("a batch or block of no rows", "batch_size, block_rows and blocks must be at least 1");
  if (n_outputs > 1 && (options.positive_weight != 1 || options.outside_weight != 1))
    fail("weights of positive rows or of margins, for several classes", "these weights need two classes");
  if (n_outputs > kMaxOutputs)
    fail(std::to_string(n_outputs) + " classes", "the limit is " + std::to_string(kMaxOutputs));
  for (const MemberOptions& m : options.members) {
    for (const std::size_t width : m.hidden)
      if (width == 0 || width > kMaxWidth)
        fail("a layer of width " + std::to_string(width), "use widths from 1 to " + std::to_string(kMaxWidth));
    if (m.n_paths == 0 || m.n_paths > kMaxPaths)
      fail(std::to_string(m.n_paths) + " paths", "1 to " + std::to_string(kMaxPaths));
    if (n_outputs > 1 && !m.residual)
      fail("a member that learns from the row alone, for several classes", "such members need two classes");
    if (m.dropout < 0 || m.dropout >= 1) fail("a dropout outside [0, 1)", "use 0 to disable it");
  }
}

}  // namespace

void check_training(const Encoder& encoder, const TrainingRows& train, const TrainingRows& valid,
                    const TrainerOptions& options) {
  check_options(options, encoder.n_margins());
  check_rows(encoder, train, "training");
  check_rows(encoder, valid, "validation");
  if (std::all_of(train.labels.begin(), train.labels.end(), [&](float label) { return label == train.labels[0]; }))
    throw Error("training.one_class", "all training rows have the same label",
                "a network needs rows of at least two classes");
}

}  // namespace sluice::dnn
