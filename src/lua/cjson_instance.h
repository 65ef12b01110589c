/* lua-cjson behind a private instance, and the marks of lists. Lua layer. */
#ifndef OH_JSON_H
#define OH_JSON_H

#include "lua/compat.h"

/* Slots of the shared table. A mark is a metatable that says what a table is; json_foreign.c has the foreign values. */
enum {
    OH_JSON_ENCODE = 1,
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

#endif
