/* From the caller's table to a filled request, by an operation's row. Lua layer. */
#ifndef OH_ARGUMENTS_H
#define OH_ARGUMENTS_H

#include "lua/compat.h"
#include "http/request.h"
#include "wire/operations.h"

enum oh_fields_verdict {
    OH_FIELDS_GOOD,
    OH_FIELDS_UNSUPPORTED, /* right in another dialect, impossible in this one */
    OH_FIELDS_INVALID      /* well-formed, but this dialect could never accept it */
};

/* Fills path, query and body from the table at `index`, or from a lone string or list, which is the row's first field.
   Raises for the caller's mistakes; for the other two results it pushes a message. `request` must be owned already. */
enum oh_fields_verdict oh_arguments_read(lua_State *L, int shared, const struct oh_operation *operation, int index,
                                           struct oh_request *request);
/* The kind of error that a result other than GOOD is. */
const char *oh_fields_kind(enum oh_fields_verdict result);

#endif
