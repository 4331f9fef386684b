#include "sluice/cli/verbs/bundle_encode.h"

#include <cmath>
#include <iostream>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/number.h"
#include "sluice/bundle/forest_signals.h"
#include "sluice/cascade/forest_stage.h"
#include "sluice/cli/common_options.h"
#include "sluice/io/csv.h"

namespace sluice::cli {
namespace {

constexpr std::size_t kWriteBytes = 1 << 20;

/// A table in memory, with the forest's margins for it.
struct ScoredRows {
  Table rows;
  std::vector<float> labels;
  std::vector<dnn::PrefixMargins> staged;
};

ScoredRows read_rows(const std::string& data, const std::string& label, const cascade::Bundle& bundle) {
  io::RowReaderOptions options;
  options.label_column = label;
  const auto reader = open_rows(data, bundle.schema, options);
  const auto forest = cascade::make_forest_stage(bundle.forests, bundle.schema);
  ScoredRows scored{.rows = Table(bundle.schema.size()), .labels = {}, .staged = {}};
  for (io::RowBlock block; reader->next(block);) {
    std::vector<dnn::PrefixMargins> staged(block.rows.n_rows());
    forest->score(block.rows.view(), staged);
    for (std::size_t i = 0; i < staged.size(); ++i) scored.rows.append(block.rows.row(i));
    scored.labels.insert(scored.labels.end(), block.labels.begin(), block.labels.end());
    scored.staged.insert(scored.staged.end(), staged.begin(), staged.end());
  }
  print_warnings(*reader);
  return scored;
}

/// The bundle's encoder, or one that learns from these rows and is written to `path`.
dnn::Encoder choose_encoder(const std::string& path, const ScoredRows& scored, const cascade::Bundle& bundle) {
  if (path.empty()) {
    if (bundle.encoder()) return *bundle.encoder();
    throw Error("network.encoder", "the bundle has no network and no encoder", "learn one from these rows with --fit");
  }
  if (scored.rows.n_rows() == 0) throw Error("network.encoder", "no rows to learn an encoder from");
  auto encoder = dnn::Encoder::fit(bundle.schema, scored.rows.view(), scored.staged);
  write_file(path, "{\"encoder\": " + encoder.to_json(bundle.schema) + "}\n");
  return encoder;
}

/// Names of the encoded columns (docs/imported_networks.md).
std::string header_of(const dnn::Encoder& encoder, const Schema& schema, const std::string& label) {
  std::string line;
  const auto add = [&](const std::string& name) {
    if (!line.empty()) line += ',';
    io::append_csv_field(line, name);
  };
  for (const auto& number : encoder.numbers()) {
    add(schema[number.column].name);
    if (number.has_missing_flag) add(schema[number.column].name + ".missing");
  }
  for (const double share : dnn::kTreePrefixes) add("forest." + number_text(100 * share));
  for (const dnn::ForestSignal signal : encoder.signals()) add(std::string("forest.") + to_string(signal));
  for (const auto& category : encoder.categories()) add(schema[category.column].name + ".code");
  add("margin");
  if (!label.empty()) add("label." + label);
  return line + "\n";
}

/// The forest's outputs that the encoder reads, one row per row.
FloatTable forest_inputs(const dnn::Encoder& encoder, const ScoredRows& scored, const cascade::Bundle& bundle) {
  std::vector<float> values(scored.rows.n_rows() * encoder.signals().size());
  if (const auto signals = cascade::make_forest_signals(*bundle.forests, bundle.schema, encoder))
    signals->compute(scored.rows.view(), values);
  return cascade::join_signals(scored.staged, values);
}

void write_rows(const std::string& out, const dnn::Encoder& encoder, const ScoredRows& scored, const FloatTable& forest,
                std::string text) {
  AtomicFile file(out);
  std::vector<float> encoded(encoder.n_encoded());
  for (std::size_t i = 0; i < scored.rows.n_rows(); ++i) {
    encoder.encode(scored.rows.row(i), forest.row(i), encoded);
    for (std::size_t c = 0; c < encoded.size(); ++c) {
      if (c > 0) text += ',';
      append_number(text, encoded[c]);
    }
    if (!scored.labels.empty()) append_number(text += ',', scored.labels[i]);
    text += '\n';
    if (text.size() < kWriteBytes) continue;
    file.write(text);
    text.clear();
  }
  file.write(text);
  file.commit();
}

}  // namespace

int encode_rows(const Arguments& arguments) {
  std::string bundle_path, data, out, fit, label;
  Options options("bundle encode", "Writes rows as a bundle's network reads them, for training your own network.",
                  "sluice bundle encode --bundle bundle --data transactions.csv --label fraud --out encoded.csv");
  options.required("--bundle", bundle_path, "folder of the bundle, for its schema, forest and encoder")
      .required("--data", data, "CSV or Arrow IPC; - for standard input; loaded into memory")
      .required_output("--out", out, "output CSV file")
      .text("--fit", fit, "learn an encoder from these rows and write it to this file, for bundle create --encoder")
      .text("--label", label, "label column, appended as 1 and 0");
  if (!options.parse(arguments)) return 0;
  const auto bundle = load_bundle(bundle_path, {});
  const ScoredRows scored = read_rows(data, label, *bundle);
  const dnn::Encoder encoder = choose_encoder(fit, scored, *bundle);
  write_rows(out, encoder, scored, forest_inputs(encoder, scored, *bundle), header_of(encoder, bundle->schema, label));
  std::cout << out << "  " << scored.rows.n_rows() << " rows of " << encoder.n_encoded() << " encoded columns\n";
  return 0;
}

}  // namespace sluice::cli
