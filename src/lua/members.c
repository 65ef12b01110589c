/* Takes members out of tables, in less time than a loop in Lua needs. */
#include "lua/members.h"

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

void oh_members_add_functions(lua_State *L)
{
    lua_pushcfunction(L, l_take_members);
    lua_setfield(L, -2, "take_members");
}
