/* The table of operations as a Lua value. Lua layer. */
#ifndef OH_REFLECTION_H
#define OH_REFLECTION_H

#include "lua/compat.h"

/* Adds `operations` and `operation_names` to the table on top of the stack. */
void oh_reflection_add_functions(lua_State *L);

#endif
