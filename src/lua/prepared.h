/* A prepared request: the fields of a call, checked and encoded once, as a userdata that any number of calls can send.
   Lua layer. It owns only memory, so it may be finalized before or after the client and the exchanges that send it. */
#ifndef OH_PREPARED_H
#define OH_PREPARED_H

#include "http/request.h"
#include "lua/arguments.h"
#include "lua/compat.h"
#include "wire/operations.h"

struct oh_prepared {
    struct oh_request *request; /* held; NULL: closed */
    const struct oh_operation *operation;
};

/* Makes the metatable; once per Lua state. */
void oh_prepared_open(lua_State *L);
/* Fills `request`, which its owner frees if this raises, from the fields at `index`, as oh_arguments_read does. */
enum oh_fields_verdict oh_prepared_encode(lua_State *L, int shared, const struct oh_operation *operation, int index,
                                          struct oh_request *request);
/* Returns the prepared request at `index`; NULL for any other value. */
const struct oh_prepared *oh_prepared_at(lua_State *L, int index);
/* Raises an argument error if it is closed, or was prepared for another operation or dialect. */
void oh_prepared_check(lua_State *L, const struct oh_prepared *prepared, const struct oh_operation *operation);
/* Adds `prepare` to the table on top of the stack. */
void oh_prepared_add_methods(lua_State *L, int shared);

#endif
