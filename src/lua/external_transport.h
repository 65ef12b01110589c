/* The external transport: Lua carries the exchanges instead of libcurl. Lua layer. */
#ifndef OH_EXTERNAL_TRANSPORT_H
#define OH_EXTERNAL_TRANSPORT_H

#include "lua/compat.h"

/* Adds `outgoing` and `answer` to the table on top of the stack. */
void oh_external_transport_add_methods(lua_State *L, int shared);

#endif
