/* The fields of a call, read into a request as the operation's row says. Lua layer. */
#ifndef OH_ARGUMENTS_H
#define OH_ARGUMENTS_H

#include "lua/field_reader.h"

/* Fills path, query and body from the table at `index`, or from a string or a list there, which is the row's first
   field. Raises argument errors; for the other two verdicts it pushes the reason. Borrows `request`, whose owner frees
   it if this raises. */
enum oh_fields_verdict oh_arguments_read(lua_State *L, int shared, const struct oh_operation *operation, int index,
                                         struct oh_request *request);

#endif
