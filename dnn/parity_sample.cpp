#include "sluice/dnn/parity_sample.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "sluice/base/diagnostic.h"
#include "sluice/base/error.h"
#include "sluice/base/json_fields.h"
#include "sluice/base/number.h"
#include "sluice/base/random.h"

namespace sluice::dnn {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::size_t kLargeBatch = 4096;  // the largest size for which crossovers are measured

/// A raw row with every column that the encoder reads.
std::vector<double> raw_row(const Encoder& encoder, Random& random) {
  std::size_t n_columns = 0;
  for (const auto& number : encoder.numbers()) n_columns = std::max(n_columns, number.column + 1);
  for (const auto& category : encoder.categories()) n_columns = std::max(n_columns, category.column + 1);
  std::vector<double> row(n_columns, std::numeric_limits<double>::quiet_NaN());
  for (const auto& number : encoder.numbers())
    if (!number.values.empty() && random.below(8) != 0)
      row[number.column] = number.values[random.below(number.values.size())];
  for (const auto& category : encoder.categories())
    if (random.below(8) != 0) row[category.column] = static_cast<double>(random.below(category.n_words + 1));
  return row;
}

bool agree(float actual, float stored, double tolerance) {
  if (tolerance == 0) return std::bit_cast<std::uint32_t>(actual) == std::bit_cast<std::uint32_t>(stored);
  const double from = stored;
  return std::abs(actual - from) <= tolerance * std::max(1.0, std::abs(from));
}

/// Floats of a list; Error{parity.number} if an element is not one.
std::vector<float> read_floats(const Json& list, const std::string& where) {
  std::vector<float> out;
  for (const Json& cell : list.is_array() ? list : Json::array()) {
    const double x = cell.is_number() ? cell.get<double>() : std::numeric_limits<double>::quiet_NaN();
    if (!(std::abs(x) <= std::numeric_limits<float>::max()))
      throw Error("parity.number", where + ": expected a finite float32, not " + excerpt(cell.dump()));
    out.push_back(static_cast<float>(x));
  }
  return out;
}

/// An executor uses a code as a row number of a table; only the codes that an encoder produces are valid.
void check_codes(std::span<const float> row, const Encoder& encoder, const std::string& where) {
  for (std::size_t c = 0; c < encoder.categories().size(); ++c) {
    const float code = row[encoder.n_dense() + c];
    if (!(code >= 0 && code <= static_cast<float>(encoder.categories()[c].n_words + 1) && code == std::floor(code)))
      throw Error("parity.code", where + ": " + number_text(code) + " is not a code of category " + std::to_string(c));
  }
}

FloatTable read_rows(const Json* rows, const Encoder& encoder, const std::string& source) {
  const std::size_t n_rows = rows && rows->is_array() ? rows->size() : 0;
  if (n_rows < 1 || n_rows > kMaxParityRows)
    throw Error("parity.rows", source + " at /rows: expected 1 to " + std::to_string(kMaxParityRows) + " rows");
  FloatTable table(encoder.n_encoded());
  for (std::size_t i = 0; i < n_rows; ++i) {
    const std::string where = source + " at /rows/" + std::to_string(i);
    const std::vector<float> row = read_floats((*rows)[i], where);
    if (row.size() != encoder.n_encoded())
      throw Error("parity.width", where + ": " + std::to_string(row.size()) + " numbers, but the encoder produces " +
                                      std::to_string(encoder.n_encoded()));
    check_codes(row, encoder, where);
    table.append(row);
  }
  return table;
}

/// A batch of this number of rows, which repeats the sample.
void require_at_size(const Executor& executor, const ParitySample& sample, std::size_t n_rows,
                     std::string_view source) {
  FloatTable rows(sample.encoded.n_columns());
  for (std::size_t i = 0; i < n_rows; ++i) rows.append(sample.encoded.row(i % sample.margins.size()));
  std::vector<float> margins(n_rows);
  executor.forward(rows.view(), margins);
  for (std::size_t i = 0; i < n_rows; ++i) {
    const std::size_t k = i % sample.margins.size();
    if (agree(margins[i], sample.margins[k], sample.tolerance)) continue;
    throw Error(
        "bundle.parity",
        std::string(source) + " at /margins/" + std::to_string(k) + ": the network's margin is " +
            number_text(margins[i]) + " on " + std::string(executor.device_for(n_rows)) + " (" +
            std::string(executor.kernel()) + "); when the bundle was written it was " + number_text(sample.margins[k]) +
            " on " + sample.device + " (" + sample.kernel + "); " +
            (sample.tolerance == 0 ? "the bits must be equal" : "the tolerance is " + number_text(sample.tolerance)),
        "use the runtime of the machine that wrote the bundle, or write the bundle again");
  }
}

}  // namespace

FloatTable parity_rows(const Encoder& encoder, std::size_t n_rows) {
  Random random(kSeed);
  FloatTable encoded(encoder.n_encoded(), n_rows);
  for (std::size_t i = 0; i < n_rows; ++i) {
    const std::vector<double> row = raw_row(encoder, random);
    std::vector<float> forest(encoder.n_forest_inputs());
    for (float& margin : forest) margin = static_cast<float>(random.uniform(-3, 3));
    encoder.encode(row, forest, encoded.row(i));
  }
  return encoded;
}

ParitySample take_parity_sample(const Executor& executor, const Encoder& encoder, double tolerance) {
  ParitySample sample{
      .encoded = parity_rows(encoder), .margins = {}, .tolerance = tolerance, .device = {}, .kernel = {}};
  sample.margins.resize(sample.encoded.n_rows());
  executor.forward(sample.encoded.view(), sample.margins);
  for (std::size_t i = 0; i < sample.margins.size(); ++i)
    if (!std::isfinite(sample.margins[i]))
      throw Error("bundle.parity",
                  "the network's margin of row " + std::to_string(i) + " of the parity sample is " +
                      number_text(sample.margins[i]),
                  "a network that overflows on ordinary rows cannot be served");
  sample.device = executor.device();
  sample.kernel = executor.kernel();
  return sample;
}

void require_parity(const Executor& executor, const ParitySample& sample, std::string_view source) {
  require_at_size(executor, sample, sample.margins.size(), source);
  if (executor.device_for(kLargeBatch) != executor.device_for(sample.margins.size()))
    require_at_size(executor, sample, kLargeBatch, source);
}

std::string to_json(const ParitySample& sample) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < sample.encoded.n_rows(); ++i) {
    const auto row = sample.encoded.row(i);
    rows.push_back(std::vector<float>(row.begin(), row.end()));
  }
  const Json json = {{"format", 1},
                     {"device", sample.device},
                     {"kernel", sample.kernel},
                     {"tolerance", sample.tolerance},
                     {"margins", sample.margins},
                     {"rows", std::move(rows)}};
  return json.dump() + "\n";
}

ParitySample read_parity_sample(std::string_view text, const Encoder& encoder, std::string_view source_view) {
  const std::string source(source_view);
  const Json json = parse_json(text, source, "parity.json");
  std::vector<Diagnostic> diagnostics;
  JsonFields fields(json, "", source, "parity", diagnostics);
  for (const char* key : {"format", "device", "kernel", "tolerance", "margins", "rows"}) fields.require(key);
  fields.integer("format", 1, 1, 1);
  ParitySample sample;
  sample.device = fields.string("device", "");
  sample.kernel = fields.string("kernel", "");
  sample.tolerance = fields.number("tolerance", 0, 0, 0.01);
  const Json *margins = fields.child("margins"), *rows = fields.child("rows");
  fields.finish();
  throw_if_errors(diagnostics);
  sample.encoded = read_rows(rows, encoder, source);
  sample.margins = read_floats(*margins, source + " at /margins");
  if (sample.margins.size() != sample.encoded.n_rows())
    throw Error("parity.rows", source + " at /margins: " + std::to_string(sample.margins.size()) + " margins for " +
                                   std::to_string(sample.encoded.n_rows()) + " rows");
  return sample;
}

}  // namespace sluice::dnn
