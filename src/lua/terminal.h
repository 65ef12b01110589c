/* Terminals, for Lua. Lua layer. */
#ifndef OH_LUA_TERMINAL_H
#define OH_LUA_TERMINAL_H

#include "lua/compat.h"

/* Adds `terminal` to the table on top of the stack. */
void oh_terminal_add_functions(lua_State *L);

#endif
