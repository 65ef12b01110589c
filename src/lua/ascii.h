/* Converts and compares ASCII text for Lua, whose own functions depend on the locale. Lua layer. */
#ifndef OH_LUA_ASCII_H
#define OH_LUA_ASCII_H

#include "lua/compat.h"

/* Adds `lower`, `upper` and `is_before` to the table on top of the stack. */
void oh_ascii_add_functions(lua_State *L);

#endif
