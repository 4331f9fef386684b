#pragma once
/// A network in another library's file, served by that library's plug-in (network_plugin.h, docs/imported_networks.md).
///
/// The encoder is Sluice's: the file reads encoded rows [n, n_encoded] and returns margins [n] or [n, 1], float32. The
/// runtime determines the computation; a parity sample (parity_sample.h) verifies that it has not changed.
/// Thread-safety: functions are thread-safe; the executor's const calls are thread-safe if the plug-in keeps its
/// contract.

#include <filesystem>
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
  std::string bytes;    // the file's content
};

/// Whether a network.json describes an imported network. False if it is not JSON; Network::load then reports the
/// reason.
bool is_imported(std::string_view network_json);

/// Reads a network.json of kind "imported"; `bytes` stays empty. Throws Error{network.*} with `source`.
ImportedNetwork read_imported(std::string_view network_json, const Schema& schema, std::string_view source);
std::string to_json(const ImportedNetwork& network, const Schema& schema);

/// Opens the plug-in and the file: from here on code of both runs in this process, with all its rights. The plug-in is
/// libsluice_RUNTIME.so of the folder `plugins`; no other place is searched. Device::automatic is the CPU, because a
/// GPU's margins differ in their last bits. Forward may allocate; it throws Error{network.failed} with the runtime's
/// message, and Error{network.forked} in a process that was forked after this call. Throws Error{network.plugin} if
/// `plugins` is empty, if the plug-in is missing, has another version or is not a regular file, or if every user may
/// write to it or to `plugins`; and Error{network.open} if the plug-in rejects the file.
std::unique_ptr<Executor> make_imported_executor(const ImportedNetwork& network, const std::filesystem::path& plugins,
                                                 DeviceChoice device = {});

}  // namespace sluice::dnn
