/* Gives Lua the limits of ids, keys and sizes, so that no Lua module repeats them. Lua layer. */
#ifndef OH_LIMITS_H
#define OH_LIMITS_H

#include "lua/compat.h"

/* Adds `limits`, `request_methods` and `key_problem` to the table on top of the stack. */
void oh_limits_add_functions(lua_State *L);

#endif
