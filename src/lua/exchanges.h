/* The exchanges of a client, for Lua: advances them, and takes, measures and cancels them by number. Lua layer. */
#ifndef OH_EXCHANGES_H
#define OH_EXCHANGES_H

#include "lua/compat.h"

/* Adds `step`, `next`, `take`, `progress`, `cancel` and `in_flight` to the table on top of the stack. */
void oh_exchanges_add_methods(lua_State *L, int shared);

#endif
