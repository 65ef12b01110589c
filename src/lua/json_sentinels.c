/* Sentinels of JSON values: compared by identity; their metamethods never run. */
#include "lua/json_sentinels.h"

#include <string.h>

#define LIST_MARK "openhands.list"
#define EVENT_CLASS "openhands.Event" /* as in events/class.lua */

/* Keeps a field of the table on top of the stack, read raw. */
static void keep_field(lua_State *L, int shared, const char *name, int slot)
{
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    lua_rawseti(L, shared, slot);
}

static void open_list_mark(lua_State *L, int shared)
{
    (void)luaL_newmetatable(L, LIST_MARK); /* the same for every copy of this module in a state */
    lua_pushliteral(L, LIST_MARK);
    lua_setfield(L, -2, "__name");
    lua_rawseti(L, shared, OH_SLOT_LIST_MARK);
}

void oh_json_sentinels_open(lua_State *L, int cjson)
{
    int shared = lua_gettop(L);

    open_list_mark(L, shared);
    if (lua_istable(L, cjson)) {
        lua_getfield(L, cjson, "array_mt");
        lua_rawseti(L, shared, OH_SLOT_FOREIGN_LIST_MARK);
        lua_getfield(L, cjson, "empty_array_mt");
        lua_rawseti(L, shared, OH_SLOT_FOREIGN_EMPTY_MARK);
        lua_getfield(L, cjson, "empty_array");
        lua_rawseti(L, shared, OH_SLOT_FOREIGN_EMPTY_LIST);
    }
    lua_getglobal(L, "_G"); /* for raw reads: a strict host raises for undefined globals */
    if (lua_istable(L, -1)) {
        lua_pushliteral(L, "vim");
        lua_rawget(L, -2);
        if (lua_istable(L, -1)) {
            keep_field(L, shared, "NIL", OH_SLOT_FOREIGN_NULL);
            keep_field(L, shared, "_empty_dict_mt", OH_SLOT_FOREIGN_OBJECT_MARK);
        }
    }
    lua_settop(L, shared);
}

/* Returns whether the value at `index` is the one in that slot. */
static bool matches_slot(lua_State *L, int shared, int index, int slot)
{
    bool same;

    lua_rawgeti(L, shared, slot);
    same = !lua_isnil(L, -1) && lua_rawequal(L, index, -1);
    lua_pop(L, 1);
    return same;
}

void oh_json_sentinels_mark_list(lua_State *L)
{
    luaL_getmetatable(L, LIST_MARK);
    lua_setmetatable(L, -2);
}

bool oh_json_sentinels_is_null(lua_State *L, int index)
{
    return lua_type(L, index) == LUA_TLIGHTUSERDATA && lua_touserdata(L, index) == NULL;
}

void oh_json_sentinels_replace(lua_State *L, int shared, int index)
{
    int type = lua_type(L, index);

    if (type != LUA_TUSERDATA && type != LUA_TLIGHTUSERDATA)
        return;
    if (matches_slot(L, shared, index, OH_SLOT_FOREIGN_NULL)) {
        lua_pushlightuserdata(L, NULL);
        lua_replace(L, index);
    } else if (matches_slot(L, shared, index, OH_SLOT_FOREIGN_EMPTY_LIST)) {
        lua_newtable(L);
        lua_rawgeti(L, shared, OH_SLOT_LIST_MARK);
        lua_setmetatable(L, -2);
        lua_replace(L, index);
    }
}

bool oh_json_sentinels_is_list_mark(lua_State *L, int shared)
{
    int mark = lua_gettop(L);

    return matches_slot(L, shared, mark, OH_SLOT_LIST_MARK) ||
           matches_slot(L, shared, mark, OH_SLOT_FOREIGN_LIST_MARK) ||
           matches_slot(L, shared, mark, OH_SLOT_FOREIGN_EMPTY_MARK);
}

bool oh_json_sentinels_is_object_mark(lua_State *L, int shared)
{
    return matches_slot(L, shared, lua_gettop(L), OH_SLOT_FOREIGN_OBJECT_MARK);
}

bool oh_json_sentinels_is_event_class(lua_State *L)
{
    const char *name;
    bool is_ours;

    lua_pushliteral(L, "__name");
    lua_rawget(L, -2);
    name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    is_ours = name != NULL && strcmp(name, EVENT_CLASS) == 0;
    lua_pop(L, 1);
    return is_ours;
}

/*** Marks a table as a list, so that it is sent as `[]` even when it is empty.
@function array
@tparam[opt] table list
@treturn table the same table, or a new one if none is given */
static int l_array(lua_State *L)
{
    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
        lua_newtable(L);
        lua_replace(L, 1);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_rawgeti(L, lua_upvalueindex(1), OH_SLOT_LIST_MARK);
    lua_setmetatable(L, 1);
    return 1;
}

void oh_json_sentinels_add_functions(lua_State *L, int shared)
{
    lua_pushvalue(L, shared);
    lua_pushcclosure(L, l_array, 1);
    lua_setfield(L, -2, "array");
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    lua_rawgeti(L, shared, OH_SLOT_FOREIGN_OBJECT_MARK);
    lua_setfield(L, -2, "object_mark");
}
