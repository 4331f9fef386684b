/* Serves files of one line: a bias, and a weight for each encoded column, as decimal numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluice/dnn/network_plugin.h"

typedef struct Line {
  SluiceSize n_columns;
  float bias, weights[];
} Line;

static void* fail(char* error, SluiceSize error_size, const char* why) {
  snprintf(error, error_size, "%s", why);
  return NULL;
}

static void* open_line(const SluiceNetworkFile* file, char* error, SluiceSize error_size) {
  if (strcmp(file->device, "cpu") != 0) return fail(error, error_size, "lines run on the CPU");
  char* text = malloc(file->n_bytes + 1);
  Line* line = malloc(sizeof(Line) + file->n_columns * sizeof(float));
  if (!text || !line) return free(text), free(line), fail(error, error_size, "out of memory");
  memcpy(text, file->bytes, file->n_bytes);
  text[file->n_bytes] = '\0';
  line->n_columns = file->n_columns;
  char *at = text, *end = text;
  SluiceSize n = 0;
  for (; n <= file->n_columns; ++n, at = end) {
    const float number = strtof(at, &end);
    if (end == at) break;
    *(n == 0 ? &line->bias : &line->weights[n - 1]) = number;
  }
  const int fits = n == file->n_columns + 1 && strspn(at, " \n") == strlen(at);
  free(text);
  if (!fits) return free(line), fail(error, error_size, "expected a bias and one weight per column");
  return line;
}

static int forward_line(const void* network, const float* rows, SluiceSize n_rows, SluiceSize n_columns, float* margins,
                        char* error, SluiceSize error_size) {
  const Line* line = network;
  if (n_columns != line->n_columns) return fail(error, error_size, "wrong number of columns"), 1;
  for (SluiceSize i = 0; i < n_rows; ++i) {
    margins[i] = line->bias;
    for (SluiceSize c = 0; c < n_columns; ++c) margins[i] += line->weights[c] * rows[i * n_columns + c];
  }
  return 0;
}

const SluiceNetworkPlugin* sluice_network_plugin(void) {
  static const SluiceNetworkPlugin plugin = {SLUICE_NETWORK_PLUGIN_VERSION, "linear 1", open_line, forward_line, free};
  return &plugin;
}
