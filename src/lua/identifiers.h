/* Checks, normalizes and makes ids of the service, for Lua. Lua layer. */
#ifndef OH_LUA_IDENTIFIERS_H
#define OH_LUA_IDENTIFIERS_H

#include "lua/compat.h"

/* Adds `is_id`, `is_uuid`, `normalize_id`, `is_same_id`, `id_with_dashes` and `uuid` to the table on top of the stack. */
void oh_identifiers_add_functions(lua_State *L);

#endif
