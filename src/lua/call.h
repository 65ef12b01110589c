/* Submits calls: options and fields become an exchange in flight. Lua layer. */
#ifndef OH_CALL_H
#define OH_CALL_H

#include "lua/compat.h"

/* Adds `request` and a function per operation to the table on top of the stack. */
void oh_call_add_functions(lua_State *L, int shared);

#endif
