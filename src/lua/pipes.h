/* Writes to pipes of Lua's io library. */
#ifndef OH_LUA_PIPES_H
#define OH_LUA_PIPES_H

#include "lua/compat.h"

/* Adds `write_to_pipe` to the table on top of the stack. */
void oh_pipes_add_functions(lua_State *L);

#endif
