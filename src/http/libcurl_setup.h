/* Initialises libcurl, once for the whole process, and detects forks. Must not know Lua.
   Only src/http may include curl.h. */
#ifndef OH_LIBCURL_SETUP_H
#define OH_LIBCURL_SETUP_H

#include <stdbool.h>

/* Initialises libcurl, once per process; false when that fails. Never undone: the host may use libcurl, too. */
bool oh_libcurl_open(void);
/* Returns the version of libcurl; sets `tls` to the name and version of its TLS library. */
const char *oh_libcurl_version(const char **tls);
/* Returns a number that differs between a process and its forked children; cheaper than the process id. */
unsigned oh_libcurl_generation(void);

#endif
