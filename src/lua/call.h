/* One call: its options and fields become an exchange on its way. Functions for Lua, run exclusively (client.h). */
#ifndef OH_CALL_H
#define OH_CALL_H

#include "lua/compat.h"

/* (client, fields, options, name of the operation) -> number, or nil and an error table. */
int oh_call_operation(lua_State *L);
/* (client, request, options) -> the same. */
int oh_call_request(lua_State *L);

#endif
