/* What stands for null, an empty list and an empty object among the values of the host's own JSON functions: those of
   the lua-cjson that is installed and of Neovim. Lua layer. */
#ifndef OH_JSON_SENTINELS_H
#define OH_JSON_SENTINELS_H

#include <stdbool.h>

#include "lua/compat.h"

/* Notes them in the shared table on top of the stack. `cjson`: stack index of the module. */
void oh_json_sentinels_open(lua_State *L, int cjson);
/* Replaces a foreign null at `index` by ours, and a foreign empty list by a table marked as a list. */
void oh_json_sentinels_replace(lua_State *L, int shared, int index);
/* Whether the value is core.null. */
bool oh_json_sentinels_is_null(lua_State *L, int index);
/* Whether the metatable on top of the stack marks a table as a list. */
bool oh_json_sentinels_mark_list(lua_State *L, int shared);
/* Whether the metatable on top of the stack marks a table as an object. */
bool oh_json_sentinels_mark_object(lua_State *L, int shared);
/* Pushes the metatable that marks a table as an object, or nil. */
void oh_json_sentinels_push_object_mark(lua_State *L, int shared);

#endif
