/* Overwrites memory that held a secret. Must not know Lua or libcurl. */
#include "os/wipe.h"

#include <string.h>

void oh_wipe(void *memory, size_t length)
{
    /* Through a volatile pointer: the compiler must not drop writes to memory that is about to be freed. */
    static void *(*const volatile set)(void *, int, size_t) = memset;

    (void)set(memory, 0, length);
}
