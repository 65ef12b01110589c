/* Overwrites memory that held a secret. Must not know Lua or libcurl. */
#ifndef OH_WIPE_H
#define OH_WIPE_H

#include <stddef.h>

/* Sets `length` bytes to zero; never optimised away. */
void oh_wipe(void *memory, size_t length);

#endif
