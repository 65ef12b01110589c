/* Lua values -> JSON, with the place of what cannot be JSON. Lua layer. */
#ifndef OH_JSON_ENCODE_H
#define OH_JSON_ENCODE_H

#include <stddef.h>

#include "os/buffer.h"
#include "lua/compat.h"

#define OH_JSON_DEEPEST 64 /* levels of tables that may be sent */

/* Where in a table a value stands; a chain on the C stack, from the value up to the operation's name. */
struct oh_argument_path {
    const struct oh_argument_path *up;
    const char *name;  /* a string key, anchored by its table; NULL: an index */
    lua_Number index;
    const void *table; /* the table that stands here, to see cycles; NULL: not a table */
    int depth;
};

enum oh_json_form { OH_JSON_ANY, OH_JSON_LIST, OH_JSON_OBJECT }; /* what an empty table is */

/* Appends the value at `index` as JSON, reading tables raw. Raises with the key path if it cannot be JSON. */
void oh_json_encode(lua_State *L, int shared, int index, enum oh_json_form form, struct oh_buffer *out,
                   const struct oh_argument_path *path);
void oh_json_encode_text(lua_State *L, int shared, const char *text, size_t length, struct oh_buffer *out,
                        const struct oh_argument_path *path);
/* The same without the quotation marks. */
void oh_json_encode_escaped(lua_State *L, int shared, const char *text, size_t length, struct oh_buffer *out,
                           const struct oh_argument_path *path);
/* Appends, raising with the path when the request grows too large or memory ends. */
void oh_json_encode_append(lua_State *L, struct oh_buffer *out, const char *bytes, size_t length, const struct oh_argument_path *path);
/* Raises the caller's mistake (mistake.h) at `path`; `format` takes what luaL_error does. */
int oh_argument_error_at(lua_State *L, const struct oh_argument_path *path, const char *format, ...);
/* Number of items of the list at `index`; raises if it is not a list without holes. */
size_t oh_json_encode_list_length(lua_State *L, int shared, int index, const struct oh_argument_path *path);

#endif
