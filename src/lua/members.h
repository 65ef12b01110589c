/* Takes members out of tables. Lua layer. */
#ifndef OH_LUA_MEMBERS_H
#define OH_LUA_MEMBERS_H

#include "lua/compat.h"

/* Adds `take_members` to the table on top of the stack. */
void oh_members_add_functions(lua_State *L);

#endif
