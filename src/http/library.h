/* libcurl itself, once for the whole process, and in which process we are. HTTP layer: never knows Lua. */
#ifndef OH_LIBRARY_H
#define OH_LIBRARY_H

#include <stdbool.h>

/* Once per process; false when libcurl cannot be initialised. Never undone: others may use libcurl too. */
bool oh_library_open(void);
/* The version of libcurl, and that of its TLS library. */
const char *oh_library_version(const char **tls);
/* Differs between a process and its forked children; cheaper to ask for than the process id. */
unsigned oh_library_generation(void);

#endif
