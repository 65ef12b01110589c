/* Functions that Lua 5.1 and LuaJIT lack or name differently from Lua 5.2 to 5.5. Only for the files that may use
   Lua. */
#ifndef OH_COMPAT_H
#define OH_COMPAT_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>

#define OH_LARGEST_EXACT 9007199254740992.0 /* 2^53: beyond it a double cannot hold every integer */

#if LUA_VERSION_NUM < 502

#define oh_rawlen lua_objlen
#define oh_getuservalue lua_getfenv
#define oh_setuservalue lua_setfenv

/* Works as luaL_testudata. */
static inline void *oh_testudata(lua_State *L, int index, const char *name)
{
    void *found = lua_touserdata(L, index);

    if (found == NULL || !lua_getmetatable(L, index))
        return NULL;
    luaL_getmetatable(L, name);
    if (!lua_rawequal(L, -1, -2))
        found = NULL;
    lua_pop(L, 2);
    return found;
}

/* Works as luaL_setfuncs: the functions share `upvalues` values on top of the stack, which are popped. */
static inline void oh_setfuncs(lua_State *L, const luaL_Reg *functions, int upvalues)
{
    for (; functions->name != NULL; functions++) {
        int i;
        for (i = 0; i < upvalues; i++)
            lua_pushvalue(L, -upvalues);
        lua_pushcclosure(L, functions->func, upvalues);
        lua_setfield(L, -(upvalues + 2), functions->name);
    }
    lua_pop(L, upvalues);
}

static inline void oh_setmetatable(lua_State *L, const char *name)
{
    luaL_getmetatable(L, name);
    lua_setmetatable(L, -2);
}

/* Returns the open file of the io library that is an argument. */
static inline FILE *oh_checkfile(lua_State *L, int index)
{
    FILE *file = *(FILE **)luaL_checkudata(L, index, LUA_FILEHANDLE);

    luaL_argcheck(L, file != NULL, index, "is closed");
    return file;
}

#else

#define oh_rawlen lua_rawlen
#define oh_getuservalue lua_getuservalue
#define oh_setuservalue lua_setuservalue
#define oh_setfuncs luaL_setfuncs
#define oh_setmetatable luaL_setmetatable
#define oh_testudata luaL_testudata

static inline FILE *oh_checkfile(lua_State *L, int index)
{
    const luaL_Stream *stream = luaL_checkudata(L, index, LUA_FILEHANDLE);

    luaL_argcheck(L, stream->closef != NULL, index, "is closed");
    return stream->f;
}

#endif

/* Where the interpreter has integers, a whole number becomes one. */
#if LUA_VERSION_NUM >= 503
#define oh_isinteger lua_isinteger
#define oh_pushwhole(L, number) lua_pushinteger(L, (lua_Integer)(number))
#else
#define oh_isinteger(L, index) 0
#define oh_pushwhole lua_pushnumber
#endif

#endif
