/* Converts and compares ASCII text for Lua, whose own functions depend on the locale. */
#include "lua/ascii.h"

#include <string.h>

#include "wire/ascii.h"

/* Pushes the first argument with each character converted; pushes the argument itself if nothing changes. */
static int push_converted(lua_State *L, char (*convert)(char c))
{
    size_t i, length, same = 0;
    const char *text = luaL_checklstring(L, 1, &length);
    luaL_Buffer buffer;

    lua_settop(L, 1);
    while (same < length && convert(text[same]) == text[same])
        same++;
    if (same == length)
        return 1;
    luaL_buffinit(L, &buffer);
    luaL_addlstring(&buffer, text, same);
    for (i = same; i < length; i++)
        luaL_addchar(&buffer, convert(text[i]));
    luaL_pushresult(&buffer);
    return 1;
}

/*** Returns a text with the letters A to Z in lower case.
@function lower
@tparam string text
@treturn string */
static int l_lower(lua_State *L)
{
    return push_converted(L, oh_ascii_lower);
}

/*** Returns a text with the letters a to z in upper case.
@function upper
@tparam string text
@treturn string */
static int l_upper(lua_State *L)
{
    return push_converted(L, oh_ascii_upper);
}

/*** Returns whether one text sorts before another by their bytes. Lua's `<` sorts by the locale.
@function is_before
@tparam string one
@tparam string other
@treturn boolean */
static int l_is_before(lua_State *L)
{
    size_t length, other_length;
    const char *one = luaL_checklstring(L, 1, &length), *other = luaL_checklstring(L, 2, &other_length);
    int order = memcmp(one, other, length < other_length ? length : other_length);

    lua_pushboolean(L, order < 0 || (order == 0 && length < other_length));
    return 1;
}

void oh_ascii_add_functions(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"lower", l_lower}, {"upper", l_upper}, {"is_before", l_is_before}, {NULL, NULL},
    };

    oh_setfuncs(L, functions, 0);
}
