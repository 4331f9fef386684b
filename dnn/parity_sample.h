#pragma once
/// What a network said of a few rows where its bundle was written, to be said again wherever the bundle is loaded.
///
/// Our own networks give float32's bits again, whatever the device; an imported one may differ by the tolerance that
/// the sample states. The rows are drawn from the encoder's knots and vocabularies: nobody's data is in them.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/dnn/encoder.h"
#include "sluice/dnn/executor.h"

namespace sluice::dnn {

inline constexpr std::size_t kMaxParityRows = 64;
inline constexpr double kImportedTolerance = 1e-5;

struct ParitySample {
  FloatTable encoded;          // [n, n_encoded], n from 1 to kMaxParityRows
  std::vector<float> margins;  // [n]
  double tolerance = 0;        // |margin - stored| <= tolerance x max(1, |stored|); 0: the same bits
  std::string device, kernel;  // that gave the margins
};

/// Encoded rows: knots, missing cells, known and unseen words, margins of a forest; the same for the same encoder.
FloatTable parity_rows(const Encoder& encoder, std::size_t n_rows = 32);

/// Throws Error{bundle.parity} where a margin is not finite, and what Executor::forward throws.
ParitySample take_parity_sample(const Executor& executor, const Encoder& encoder, double tolerance = 0);

/// Where large batches are served by another device, that one is held against the sample as well. Throws
/// Error{bundle.parity} naming `source`, the first row that differs, both values, the device and the kernel.
void require_parity(const Executor& executor, const ParitySample& sample, std::string_view source);

/// parity.json. Every float reads back to its bits.
std::string to_json(const ParitySample& sample);

/// Throws Error{parity.*} naming `source`: rows of another width than the encoder's, a category code that it cannot
/// give, numbers that are no finite float32.
ParitySample read_parity_sample(std::string_view json, const Encoder& encoder, std::string_view source);

}  // namespace sluice::dnn
