#pragma once
/// A network's margins of a few rows, stored when its bundle is written and compared wherever the bundle is loaded.
///
/// Sluice's own networks must reproduce float32's bits on every device; an imported network may differ by the tolerance
/// in the sample. The rows are drawn from the encoder's knots and vocabularies: they contain no customer data.
/// Thread-safety: all functions are thread-safe.

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
  std::string device, kernel;  // the device and kernel that computed the margins
};

/// Encoded rows: knots, missing cells, known and unseen words, margins of a forest; equal for equal encoders.
FloatTable parity_rows(const Encoder& encoder, std::size_t n_rows = 32);

/// Throws Error{bundle.parity} if a margin is not finite, and what Executor::forward throws.
ParitySample take_parity_sample(const Executor& executor, const Encoder& encoder, double tolerance = 0);

/// If another device serves large batches, it is compared with the sample too. Throws Error{bundle.parity} with
/// `source`, the first row that differs, both values, the device and the kernel.
void require_parity(const Executor& executor, const ParitySample& sample, std::string_view source);

/// Writes parity.json. Every float reads back to its bits.
std::string to_json(const ParitySample& sample);

/// Throws Error{parity.*} with `source`: rows of another width than the encoder's, a category code that the encoder
/// cannot produce, numbers that are not finite float32.
ParitySample read_parity_sample(std::string_view json, const Encoder& encoder, std::string_view source);

}  // namespace sluice::dnn
