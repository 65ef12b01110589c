/* The caller's mistakes. A hook, a finalizer or Lua itself may raise whatever they like in the middle of a check: only
   what bears our metatable is a verdict on what was given. */
#include "lua/argument_error.h"

#include <stdarg.h>

#define MARK "openhands.argument_error"

static int to_string(lua_State *L)
{
    lua_rawgeti(L, 1, 1);
    return 1;
}

void oh_argument_error_open(lua_State *L)
{
    if (luaL_newmetatable(L, MARK)) {
        lua_pushcfunction(L, to_string);
        lua_setfield(L, -2, "__tostring");
    }
    lua_pop(L, 1);
}

int oh_argument_error_raise_text(lua_State *L)
{
    lua_createtable(L, 1, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
    oh_setmetatable(L, MARK);
    return lua_error(L);
}

int oh_argument_error_raise(lua_State *L, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    lua_pushvfstring(L, format, arguments);
    va_end(arguments);
    return oh_argument_error_raise_text(L);
}

/*** Tells the caller's mistakes from every other error.
@function argument_error
@param problem what a function of this module has raised
@treturn string|nil its text; nil for the error of a hook, a finalizer or Lua's own */
int oh_argument_error_text(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    luaL_getmetatable(L, MARK);
    if (!lua_istable(L, 1) || !lua_getmetatable(L, 1) || !lua_rawequal(L, 2, 3))
        return 0;
    lua_rawgeti(L, 1, 1);
    return 1;
}
