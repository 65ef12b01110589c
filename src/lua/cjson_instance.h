/* lua-cjson behind a private instance, and the marks of lists. Lua layer. */
#ifndef OH_CJSON_INSTANCE_H
#define OH_CJSON_INSTANCE_H

#include "lua/compat.h"

/* Slots of the shared table. A mark is a metatable that says what a table is; json_foreign.c has the foreign values. */
enum {
    OH_SLOT_CJSON_ENCODE = 1,
    OH_SLOT_LIST_MARK,
    OH_SLOT_FOREIGN_LIST_MARK,
    OH_SLOT_FOREIGN_EMPTY_MARK,
    OH_SLOT_FOREIGN_OBJECT_MARK,
    OH_SLOT_FOREIGN_EMPTY_LIST,
    OH_SLOT_FOREIGN_NULL
};

/* Pushes the table that all functions of the module share as their first upvalue; raises if lua-cjson is missing. */
void oh_cjson_open(lua_State *L);
/* Pushes the metatable that marks a table as a list. `shared`: stack index of the table above. */
void oh_json_sentinels_push_list_mark(lua_State *L, int shared);

#endif
