/* Overwrites memory that held a secret. */
#ifndef OH_WIPE_H
#define OH_WIPE_H

#include <stddef.h>

/* Sets `length` bytes to zero, and is never optimised away. */
void oh_wipe(void *memory, size_t length);

#endif
