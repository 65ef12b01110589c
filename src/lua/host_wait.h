/* Lets a host wait for clients: by a descriptor and a timeout for each, or in one sleep for several. Lua layer. */
#ifndef OH_HOST_WAIT_H
#define OH_HOST_WAIT_H

#include "lua/compat.h"

/* Adds `pollfd`, `events`, `timeout` and `alarm` to the table on top of the stack. */
void oh_host_wait_add_methods(lua_State *L);
/* Adds `poll` to the table on top of the stack. */
void oh_host_wait_add_functions(lua_State *L);

#endif
