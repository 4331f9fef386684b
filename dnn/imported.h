#pragma once
/// A network in another library's file, served by that library's plug-in (network_plugin.h, docs/imported_networks.md).
///
/// The encoder is ours: the file reads encoded rows [n, n_encoded] and gives margins [n] or [n, 1], float32. What it
/// computes is the runtime's business; a parity sample (parity_sample.h) says whether it still computes the same.

#include <memory>
#include <string>
#include <string_view>

#include "sluice/base/schema.h"
#include "sluice/dnn/encoder.h"
#include "sluice/dnn/executor.h"

namespace sluice::dnn {

struct ImportedNetwork {
  Encoder encoder;
  std::string runtime;  // "torchscript": served by libsluice_torchscript.so
  std::string file;     // the file's name in the bundle
  std::string bytes;    // the file
};

/// Whether a network.json describes an imported network. False for what is no JSON: Network::load says why.
bool is_imported(std::string_view network_json);

/// Reads a network.json of kind "imported"; `bytes` stay empty. Throws Error{network.*} naming `source`.
ImportedNetwork read_imported(std::string_view network_json, const Schema& schema, std::string_view source);
std::string to_json(const ImportedNetwork& network, const Schema& schema);

/// Opens the plug-in and the file. Device::automatic is the CPU: margins of a GPU differ in their last bits. Forward is
/// thread-safe as far as the plug-in keeps its promise, and may allocate; it throws Error{network.failed} with the
/// runtime's words, and Error{network.forked} in a process that was forked after this call. Throws
/// Error{network.plugin} where the plug-in is missing or of another version, Error{network.open} where it refuses the
/// file.
std::unique_ptr<Executor> make_imported_executor(const ImportedNetwork& network, DeviceChoice device = {});

}  // namespace sluice::dnn
