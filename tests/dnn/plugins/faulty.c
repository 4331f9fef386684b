/* A plug-in whose calls fail. */
#include <string.h>

#include "sluice/dnn/network_plugin.h"

static int any;

/* Opens files that say "open"; refuses the others without a reason. */
static void* open_faulty(const SluiceNetworkFile* file, char* error, SluiceSize error_size) {
  (void)error, (void)error_size;
  return file->n_bytes == 4 && memcmp(file->bytes, "open", 4) == 0 ? &any : 0;
}

/* Fills the buffer to its last byte. */
static int forward_faulty(const void* network, const float* rows, SluiceSize n_rows, SluiceSize n_columns,
                          float* margins, char* error, SluiceSize error_size) {
  (void)network, (void)rows, (void)n_rows, (void)n_columns, (void)margins;
  memset(error, 'x', error_size);
  return 7;
}

static void close_faulty(void* network) { (void)network; }

const SluiceNetworkPlugin* sluice_network_plugin(void) {
  static const SluiceNetworkPlugin plugin = {SLUICE_NETWORK_PLUGIN_VERSION, "faulty 1", open_faulty, forward_faulty,
                                             close_faulty};
  return &plugin;
}
