/* Changes tables, for Lua. Lua layer. */
#ifndef OH_LUA_MEMBERS_H
#define OH_LUA_MEMBERS_H

#include "lua/compat.h"

/* Adds `take_members` and `set_metatables` to the table on top of the stack. */
void oh_members_add_functions(lua_State *L);

#endif
