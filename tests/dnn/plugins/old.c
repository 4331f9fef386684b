/* A plug-in of another version of the interface. */
#include "sluice/dnn/network_plugin.h"

const SluiceNetworkPlugin* sluice_network_plugin(void) {
  static const SluiceNetworkPlugin plugin = {SLUICE_NETWORK_PLUGIN_VERSION + 1, "old", 0, 0, 0};
  return &plugin;
}
