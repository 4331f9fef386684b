/* A library that is no plug-in. */
int sluice_no_plugin(void);
int sluice_no_plugin(void) { return 0; }
