/* Initialises libcurl, once for the whole process, and detects forks. Must not know Lua.
   Only src/http may include curl.h. */
#ifndef OH_LIBRARY_H
#define OH_LIBRARY_H

#include <stdbool.h>

/* Initialises libcurl, once per process; false when that fails. Never undone: the host may use libcurl, too. */
bool oh_library_open(void);
/* Returns the version of libcurl; sets `tls` to the name and version of its TLS library. */
const char *oh_library_version(const char **tls);
/* Returns a number that differs between a process and its forked children; cheaper than the process id. */
unsigned oh_library_generation(void);

#endif
