/* The table of operations as a Lua value. Lua layer. */
#ifndef OH_REFLECTION_H
#define OH_REFLECTION_H

#include "lua/compat.h"

int oh_reflection_operations(lua_State *L);

#endif
