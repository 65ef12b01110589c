/* Changes tables, in less time than a loop in Lua needs. */
#include "lua/members.h"

#include <stdbool.h>

/* The stack of l_take_members. */
enum { VALUES = 1, NAMES, TAKEN, NAME, VALUE };

/* Moves the member at NAME and VALUE to the table at TAKEN, which it makes for the first one. */
static void take(lua_State *L)
{
    if (lua_isnil(L, TAKEN)) {
        lua_newtable(L);
        lua_replace(L, TAKEN);
    }
    lua_pushvalue(L, NAME);
    lua_pushvalue(L, VALUE);
    lua_rawset(L, TAKEN);
    lua_pushvalue(L, NAME);
    lua_pushnil(L);
    lua_rawset(L, VALUES); /* a traversal allows it */
}

/*** Removes from a table the members whose names are also names in another one. Runs no metamethods.
@function take_members
@tparam table values
@tparam table names
@treturn table|nil the removed members; nil if there were none */
static int l_take_members(lua_State *L)
{
    luaL_checktype(L, VALUES, LUA_TTABLE);
    luaL_checktype(L, NAMES, LUA_TTABLE);
    lua_settop(L, NAMES);
    lua_pushnil(L);
    for (lua_pushnil(L); lua_next(L, VALUES) != 0; lua_settop(L, NAME)) {
        lua_pushvalue(L, NAME);
        lua_rawget(L, NAMES);
        if (!lua_isnil(L, -1))
            take(L);
    }
    return 1;
}

/*** Sets the metatable of each table in a list. Runs no metamethods.
@function set_metatables
@tparam table list
@tparam table metatable
@tparam string name of a member
@treturn boolean whether one of the tables has that member */
static int l_set_metatables(lua_State *L)
{
    bool has_member = false;
    int i, length;

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checkstring(L, 3);
    lua_settop(L, 3);
    length = (int)oh_rawlen(L, 1);
    for (i = 1; i <= length; i++) {
        lua_rawgeti(L, 1, i);
        if (lua_istable(L, -1)) {
            lua_pushvalue(L, 3);
            lua_rawget(L, -2);
            has_member = has_member || !lua_isnil(L, -1);
            lua_pop(L, 1);
            lua_pushvalue(L, 2);
            lua_setmetatable(L, -2);
        }
        lua_settop(L, 3);
    }
    lua_pushboolean(L, has_member);
    return 1;
}

void oh_members_add_functions(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"take_members", l_take_members}, {"set_metatables", l_set_metatables}, {NULL, NULL},
    };

    oh_setfuncs(L, functions, 0);
}
