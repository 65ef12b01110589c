/* Encodes Lua values as JSON; an error names the path of the value that JSON cannot hold. Lua layer. */
#ifndef OH_JSON_ENCODE_H
#define OH_JSON_ENCODE_H

#include <stddef.h>

#include "lua/argument_error.h"
#include "os/buffer.h"

#define OH_JSON_DEEPEST 64 /* levels of tables that may be sent */

enum oh_json_form { OH_JSON_ANY, OH_JSON_LIST, OH_JSON_OBJECT }; /* how to write an empty table without a mark */

/* These functions raise an argument error at `path` for a value that JSON cannot hold, or if `out` becomes too long.
   Tables are read raw. `shared`: stack index of the shared table, see cjson_instance.h. */

/* Appends the value at `index`; a foreign sentinel there is replaced by ours: see json_sentinels.h. */
void oh_json_encode(lua_State *L, int shared, int index, enum oh_json_form form, struct oh_buffer *out,
                    const struct oh_argument_path *path);
/* Appends a text with quotation marks. */
void oh_json_encode_text(lua_State *L, int shared, const char *text, size_t length, struct oh_buffer *out,
                         const struct oh_argument_path *path);
/* Appends a text, escaped, without quotation marks. */
void oh_json_encode_escaped(lua_State *L, int shared, const char *text, size_t length, struct oh_buffer *out,
                            const struct oh_argument_path *path);
/* Appends bytes unchanged. */
void oh_json_encode_append(lua_State *L, struct oh_buffer *out, const char *bytes, size_t length,
                           const struct oh_argument_path *path);
/* Returns the number of items of the list at `index`; raises if it is not a list without holes. */
size_t oh_json_encode_list_length(lua_State *L, int shared, int index, const struct oh_argument_path *path);

#endif
