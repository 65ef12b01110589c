/* The table of operations as a Lua value. Lua layer. */
#ifndef OH_CATALOGUE_H
#define OH_CATALOGUE_H

#include "lua/compat.h"

int oh_catalogue(lua_State *L);

#endif
