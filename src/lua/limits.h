/* What ids, keys and sizes may be, told to Lua, so that no Lua module repeats it. Lua layer. */
#ifndef OH_LIMITS_H
#define OH_LIMITS_H

#include "lua/compat.h"

/* Adds `limits`, `request_methods`, `is_id`, `is_uuid` and `key_problem` to the table on top of the stack. */
void oh_limits_add_functions(lua_State *L);

#endif
