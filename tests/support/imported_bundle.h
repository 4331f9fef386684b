#pragma once
/// A small bundle whose network runs in the test plug-in (tests/dnn/plugins/linear.c).

#include <string>

#include "sluice/base/number.h"
#include "sluice/bundle/bundle.h"
#include "sluice/dnn/executor.h"
#include "support/small_bundle.h"

namespace sluice::test {

inline constexpr float kImportedBias = 0.25f;

/// A small bundle whose network is a file of the linear plug-in (tests/dnn/plugins): half the forest's margin and a
/// bias.
inline cascade::BundleFiles imported_files(const SmallBundleOptions& options) {
  cascade::BundleFiles files = small_bundle_files(3, options);
  const Schema schema = Schema::from_json(files.at("schema.json"), "schema.json");
  const auto own =
      dnn::Network::load(files.at("network.json"), files.at("network.safetensors"), schema, "network.json");
  dnn::ImportedNetwork network{.encoder = own.encoder(), .runtime = "linear", .file = "network.txt", .bytes = {}};
  network.bytes = number_text(kImportedBias);
  for (std::size_t c = 0; c + 1 < own.encoder().n_encoded(); ++c) network.bytes += " 0";
  network.bytes += " 0.5";
  files.erase("network.safetensors");
  files["network.json"] = dnn::to_json(network, schema);
  files["network.txt"] = network.bytes;
  files["parity.json"] = dnn::to_json(dnn::take_parity_sample(
      *dnn::make_imported_executor(network, SLUICE_TEST_PLUGINS), network.encoder, dnn::kImportedTolerance));
  return files;
}

}  // namespace sluice::test
