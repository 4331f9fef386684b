/* A library that is not a plug-in. */
int sluice_no_plugin(void);
int sluice_no_plugin(void) { return 0; }
