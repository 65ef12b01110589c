/* Argument errors. A hook, a finalizer or Lua itself may raise an error while arguments are checked: only an error with
   this module's metatable is about the arguments. */
#include "lua/argument_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ARGUMENT_ERROR "openhands.argument_error"
#define LONGEST_KEY_SHOWN 40 /* bytes */

struct oh_argument_path oh_argument_path_field(const struct oh_argument_path *up, const char *name)
{
    struct oh_argument_path path;

    memset(&path, 0, sizeof path);
    path.up = up;
    path.name = name;
    path.depth = up->depth + 1;
    return path;
}

struct oh_argument_path oh_argument_path_item(const struct oh_argument_path *up, size_t index)
{
    struct oh_argument_path path = oh_argument_path_field(up, NULL);

    path.index = (lua_Number)index;
    return path;
}

/* Raises the text on top of the stack. */
static int raise_text(lua_State *L)
{
    lua_createtable(L, 1, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
    oh_setmetatable(L, ARGUMENT_ERROR);
    return lua_error(L);
}

int oh_argument_error_raise(lua_State *L, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    lua_pushvfstring(L, format, arguments);
    va_end(arguments);
    return raise_text(L);
}

static void add_key(luaL_Buffer *text, const char *key)
{
    size_t i;

    for (i = 0; i < LONGEST_KEY_SHOWN && key[i] != '\0'; i++)
        luaL_addchar(text, (unsigned char)key[i] < ' ' ? '?' : key[i]);
    if (key[i] != '\0')
        luaL_addstring(text, "...");
}

static void add_path(luaL_Buffer *text, const struct oh_argument_path *path)
{
    char number[32];

    if (path->up == NULL)
        return;
    add_path(text, path->up);
    if (path->name == NULL) {
        snprintf(number, sizeof number, "[%.0f]", path->index);
        luaL_addstring(text, number);
        return;
    }
    if (path->up->up != NULL)
        luaL_addchar(text, '.');
    add_key(text, path->name);
}

int oh_argument_error_at(lua_State *L, const struct oh_argument_path *path, const char *format, ...)
{
    const struct oh_argument_path *root = path;
    const char *message;
    luaL_Buffer text;
    va_list arguments;

    va_start(arguments, format);
    message = lua_pushvfstring(L, format, arguments);
    va_end(arguments);
    while (root->up != NULL)
        root = root->up;
    luaL_buffinit(L, &text);
    luaL_addstring(&text, root->name);
    luaL_addstring(&text, ": ");
    if (path->up != NULL) {
        luaL_addchar(&text, '\'');
        add_path(&text, path);
        luaL_addstring(&text, "' ");
    }
    luaL_addstring(&text, message);
    luaL_pushresult(&text);
    return raise_text(L);
}

/*** Returns the text of an argument error, and nil for every other error.
@function argument_error
@param problem an error that a function of this module has raised
@treturn string|nil its text; nil for any other error, e.g. of a hook, of Lua itself or for a closed client */
static int l_argument_error(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    if (!lua_istable(L, 1) || !lua_getmetatable(L, 1))
        return 0;
    luaL_getmetatable(L, ARGUMENT_ERROR);
    if (!lua_rawequal(L, 2, 3))
        return 0;
    lua_rawgeti(L, 1, 1);
    return 1;
}

static int l_tostring(lua_State *L)
{
    lua_rawgeti(L, 1, 1);
    return 1;
}

void oh_argument_error_open(lua_State *L)
{
    (void)luaL_newmetatable(L, ARGUMENT_ERROR);
    lua_pushcfunction(L, l_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
}

void oh_argument_error_add_functions(lua_State *L)
{
    lua_pushcfunction(L, l_argument_error);
    lua_setfield(L, -2, "argument_error");
}
