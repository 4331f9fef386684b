#pragma once
/// What a shared library gives so that networks of its runtime are served (docs/imported_networks.md). Plain C.
///
/// For the runtime NAME of a bundle's network.json, libsluice_NAME.so is opened and its `sluice_network_plugin` called.
/// Nothing may be thrown through these functions. A library that was opened stays open as long as the process lives.

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_NETWORK_PLUGIN_VERSION 1

typedef unsigned long long SluiceSize;

typedef struct SluiceNetworkFile {
  const void* bytes;  // of the network's file; valid until `open` returns
  SluiceSize n_bytes;
  const char* device;    // "cpu", "cuda:0"
  SluiceSize n_columns;  // floats of an encoded row
} SluiceNetworkFile;

/// Of an error, a text is written with its zero byte into `error`, `error_size` bytes at most.
typedef struct SluiceNetworkPlugin {
  int version;       // SLUICE_NETWORK_PLUGIN_VERSION of the header that the library was compiled with; read first
  const char* name;  // with the runtime's version: what records and messages call the kernel

  /// A network that is ready to serve: its output's shape is checked, what is slow the first time is done. NULL after
  /// an error.
  void* (*open)(const SluiceNetworkFile* file, char* error, SluiceSize error_size);

  /// Writes the margins [n_rows] of rows [n_rows, n_columns], row-major. 0, or another number after an error. Called by
  /// several threads at once.
  int (*forward)(const void* network, const float* rows, SluiceSize n_rows, SluiceSize n_columns, float* margins,
                 char* error, SluiceSize error_size);

  void (*close)(void* network);
} SluiceNetworkPlugin;

/// Of static storage.
const SluiceNetworkPlugin* sluice_network_plugin(void);

#ifdef __cplusplus
}
#endif
