/* The fields of a call, read into a request as the operation's row says. Lua layer. */
#ifndef OH_ARGUMENTS_H
#define OH_ARGUMENTS_H

#include "lua/field_reader.h"

/* Fills path, query and body from the table of fields at `index`. nil there means no fields. Any value other than a
   table is the value of the row's first field; so is a list, if that field is of type OH_UUIDS or OH_NAMES.
   Raises argument errors; pushes the reason of a verdict other than GOOD. Borrows `request`, whose owner frees it if
   this raises. */
enum oh_fields_verdict oh_arguments_read(lua_State *L, int shared, const struct oh_operation *operation, int index,
                                         struct oh_request *request);

#endif
