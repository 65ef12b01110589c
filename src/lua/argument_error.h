/* Argument errors: the caller's mistakes, raised so that Lua can tell them from every other error. Lua layer. */
#ifndef OH_ARGUMENT_ERROR_H
#define OH_ARGUMENT_ERROR_H

#include <stddef.h>

#include "lua/compat.h"

/* The position of a value in the arguments: a chain on the C stack, from the value up to the operation. */
struct oh_argument_path {
    const struct oh_argument_path *up; /* NULL: the operation, which `name` names */
    const char *name;  /* a string key, anchored by its table; NULL: an index */
    lua_Number index;
    const void *table; /* the table that stands here, to find cycles; NULL: not a table */
    int depth;         /* tables above it */
};

/* Return the path of a named field, or of the item with this index, in the table at the path `up`. The result borrows
   `up` and `name`. */
struct oh_argument_path oh_argument_path_field(const struct oh_argument_path *up, const char *name);
struct oh_argument_path oh_argument_path_item(const struct oh_argument_path *up, size_t index);

/* Makes the metatable of these errors; once per Lua state. */
void oh_argument_error_open(lua_State *L);
/* Raises an argument error; `format` and its arguments are those of lua_pushfstring. */
int oh_argument_error_raise(lua_State *L, const char *format, ...);
/* The same, with the operation and the path in front. */
int oh_argument_error_at(lua_State *L, const struct oh_argument_path *path, const char *format, ...);
/* Adds `argument_error` to the table on top of the stack. */
void oh_argument_error_add_functions(lua_State *L);

#endif
