#pragma once
/// The interface of a shared library that serves networks of another runtime (docs/imported_networks.md). Plain C.
///
/// For the runtime NAME in a bundle's network.json, Sluice opens libsluice_NAME.so and calls its
/// `sluice_network_plugin`. These functions must not throw. An opened library stays open until the process ends.
/// Thread-safety: several threads may call `forward` at once, also for one network.

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_NETWORK_PLUGIN_VERSION 1

typedef unsigned long long SluiceSize;

typedef struct SluiceNetworkFile {
  const void* bytes;  // the network file's content; valid until `open` returns
  SluiceSize n_bytes;
  const char* device;    // "cpu", "cuda:0"
  SluiceSize n_columns;  // floats of an encoded row
} SluiceNetworkFile;

/// On an error, a function writes a zero-terminated text to `error`, at most `error_size` bytes.
typedef struct SluiceNetworkPlugin {
  // SLUICE_NETWORK_PLUGIN_VERSION of the header that the library was compiled with; read first
  int version;
  const char* name;  // includes the runtime's version; records and messages use it as the kernel's name

  /// Returns a network that is ready to serve: the shape of its output is checked and its slow first calls are done.
  /// NULL after an error.
  void* (*open)(const SluiceNetworkFile* file, char* error, SluiceSize error_size);

  /// Writes the margins [n_rows] of rows [n_rows, n_columns], row-major. Returns 0, or another number after an error.
  /// Several threads may call it at once.
  int (*forward)(const void* network, const float* rows, SluiceSize n_rows, SluiceSize n_columns, float* margins,
                 char* error, SluiceSize error_size);

  void (*close)(void* network);
} SluiceNetworkPlugin;

/// The returned struct must have static storage.
const SluiceNetworkPlugin* sluice_network_plugin(void);

#ifdef __cplusplus
}
#endif
