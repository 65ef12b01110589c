/* lua-cjson behind a private instance, and JSON -> Lua values. Lua layer. */
#ifndef OH_JSON_H
#define OH_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "compat.h"

#define OH_LARGEST_EXACT 9007199254740992.0 /* 2^53: beyond it a double is not every integer */

/* Slots of the shared table. A mark is a metatable that says what a table is; json_foreign.c has the foreign values. */
enum {
    OH_JSON_NEW = 1,
    OH_JSON_DECODE,
    OH_JSON_ENCODE,
    OH_JSON_DECIMAL_POINT,
    OH_JSON_LIST_MARK,
    OH_JSON_FOREIGN_LIST_MARK,
    OH_JSON_FOREIGN_EMPTY_MARK,
    OH_JSON_FOREIGN_OBJECT_MARK,
    OH_JSON_FOREIGN_EMPTY_LIST,
    OH_JSON_FOREIGN_NULL
};

/* Pushes the table that all functions of the module share as their first upvalue; raises if lua-cjson is missing. */
void oh_json_open(lua_State *L);
/* Pushes the metatable that marks a table as a list. `shared`: stack index of the table above. */
void oh_json_push_list_mark(lua_State *L, int shared);
/* Pushes the decoded value: null is absent in objects and core.null elsewhere, whole numbers are integers.
   False, with nothing pushed, if the bytes are not JSON; lone surrogates in them are replaced on the way. Raises when
   memory ends, or what a finalizer or hook of the host's raises. */
bool oh_json_read(lua_State *L, int shared, char *bytes, size_t length);

#endif
