#include "sluice/dnn/imported/open_plugin.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "sluice/base/error.h"

namespace sluice::dnn {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& why, const std::string& hint) { throw Error("network.plugin", why, hint); }

/// A file that every user may replace is code of any user.
void check_writers(const fs::path& path, const struct stat& status) {
  if (status.st_mode & S_IWOTH)
    refuse(path.string() + " can be changed by every user of this machine, so what it contains is not run",
           "chmod o-w " + path.string());
}

fs::path checked_folder(const fs::path& given) {
  std::error_code error;
  const fs::path folder = fs::canonical(given, error);
  struct stat status{};
  if (error || stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
    refuse(given.string() + " is not a folder of plug-ins: " + (error ? error.message() : std::strerror(ENOTDIR)),
           "name the folder that has the libsluice_*.so (docs/imported_networks.md)");
  check_writers(folder, status);
  return folder;
}

fs::path checked_file(const std::string& runtime, const fs::path& folder) {
  const fs::path file = folder / ("libsluice_" + runtime + ".so");
  struct stat status{};
  if (lstat(file.c_str(), &status) != 0)
    refuse("networks of the runtime " + runtime + " need the plug-in " + file.string() + ": " + std::strerror(errno),
           runtime == "torchscript" || runtime == "aotinductor"
               ? "build Sluice where LibTorch is found, and name the folder in which the plug-in is installed"
               : "build or install it there (docs/imported_networks.md)");
  if (!S_ISREG(status.st_mode))
    refuse(file.string() + " is not a regular file", "copy the plug-in itself into the folder");
  check_writers(file, status);
  return file;
}

}  // namespace

const SluiceNetworkPlugin& open_plugin(const std::string& runtime, const fs::path& folder) {
  if (folder.empty())
    refuse("networks of the runtime " + runtime + " run in a plug-in, and no folder of plug-ins is allowed",
           "--allow-plugins DIR names it; in a program, BundleOptions::plugins");
  const fs::path file = checked_file(runtime, checked_folder(folder));
  void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* why = dlerror();
    refuse("the plug-in cannot be opened: " + std::string(why), "build it again (docs/imported_networks.md)");
  }
  const auto entry = reinterpret_cast<decltype(&sluice_network_plugin)>(dlsym(handle, "sluice_network_plugin"));
  const SluiceNetworkPlugin* plugin = entry ? entry() : nullptr;
  if (plugin && plugin->version == SLUICE_NETWORK_PLUGIN_VERSION) return *plugin;
  refuse(file.string() +
             (plugin ? " has version " + std::to_string(plugin->version) + " of the plug-in interface, expected " +
                           std::to_string(SLUICE_NETWORK_PLUGIN_VERSION)
                     : " has no sluice_network_plugin"),
         "rebuild it with this version's sluice/dnn/network_plugin.h");
}

}  // namespace sluice::dnn
