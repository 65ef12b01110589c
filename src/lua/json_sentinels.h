/* Sentinels: values and metatables for the JSON values that Lua tables cannot express (null, empty list, empty
   object): ours, and those of the JSON functions of the host (the installed lua-cjson, Neovim). Lua layer. */
#ifndef OH_JSON_SENTINELS_H
#define OH_JSON_SENTINELS_H

#include <stdbool.h>

#include "lua/compat.h"

/* Slots of the shared table, the first upvalue of each function that encodes. A mark is a metatable that makes a table
   a list or an object. */
enum {
    OH_SLOT_LIST_MARK = 1,
    OH_SLOT_FOREIGN_LIST_MARK,
    OH_SLOT_FOREIGN_EMPTY_MARK,
    OH_SLOT_FOREIGN_OBJECT_MARK,
    OH_SLOT_FOREIGN_EMPTY_LIST,
    OH_SLOT_FOREIGN_NULL,
    OH_SLOT_AFTER_SENTINELS
};

/* Fills these slots of the shared table on top of the stack. `cjson`: stack index of the lua-cjson module. */
void oh_json_sentinels_open(lua_State *L, int cjson);
/* Replaces a foreign null at `index` by ours, and a foreign empty list by a table marked as a list. `shared`: stack
   index of the shared table. */
void oh_json_sentinels_replace(lua_State *L, int shared, int index);
/* Marks the table on top of the stack as a list. */
void oh_json_sentinels_mark_list(lua_State *L);
/* Returns whether the value is core.null. */
bool oh_json_sentinels_is_null(lua_State *L, int index);
/* Return whether the value on top of the stack, a metatable, is the mark of a list, or of an object. */
bool oh_json_sentinels_is_list_mark(lua_State *L, int shared);
bool oh_json_sentinels_is_object_mark(lua_State *L, int shared);
/* Returns whether the value on top of the stack is the metatable of events: they are sent as they were received. */
bool oh_json_sentinels_is_event_class(lua_State *L);
/* Adds `array`, `null` and `object_mark` to the table on top of the stack. */
void oh_json_sentinels_add_functions(lua_State *L, int shared);

#endif
