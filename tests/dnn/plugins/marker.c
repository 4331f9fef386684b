/* A plug-in that shows that its code ran, even if it was only opened: it writes the file that SLUICE_TEST_MARKER names. */
#include <stdio.h>
#include <stdlib.h>

__attribute__((constructor)) static void mark(void) {
  const char* path = getenv("SLUICE_TEST_MARKER");
  FILE* file = path ? fopen(path, "w") : NULL;
  if (file) fclose(file);
}

int sluice_no_plugin(void);
int sluice_no_plugin(void) { return 0; }
