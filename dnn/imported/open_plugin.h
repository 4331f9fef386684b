#pragma once
// Opens the plug-in of a runtime. Not installed.

#include <filesystem>
#include <string>

#include "sluice/dnn/network_plugin.h"

namespace sluice::dnn {

/// The plug-in libsluice_RUNTIME.so of `folder`, and of no other place: it is opened by its absolute path. It stays
/// open until the process ends. Throws Error{network.plugin} if `folder` is empty, if every user may write to the
/// folder or the file, if the file is missing or is not a regular file (a link is none), or if it is not a plug-in of
/// this version. Only the last of these runs code of the file. Thread-safe.
const SluiceNetworkPlugin& open_plugin(const std::string& runtime, const std::filesystem::path& folder);

}  // namespace sluice::dnn
