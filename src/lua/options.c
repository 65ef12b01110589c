/* Reads a table of options. Messages name the option and never show its value, which may be a key. */
#include "lua/options.h"

#include <stdbool.h>
#include <string.h>

#include "lua/argument_error.h"

#define MOST_SECONDS 1e6 /* more would overflow libcurl's milliseconds on 32 bits */

static void read_foreign(lua_State *L, const char *name, struct oh_text *text)
{
    if (lua_type(L, -1) != LUA_TSTRING)
        oh_argument_error_raise(L, "%s must be a string, not a %s", name, luaL_typename(L, -1));
    text->bytes = lua_tolstring(L, -1, &text->length);
}

static void read_text(lua_State *L, const char *name, struct oh_text *text)
{
    read_foreign(L, name, text);
    if (strlen(text->bytes) != text->length)
        oh_argument_error_raise(L, "%s contains a NUL byte", name);
    if (text->length == 0)
        oh_argument_error_raise(L, "%s is empty", name);
}

static void read_seconds(lua_State *L, const char *name, double *seconds)
{
    *seconds = lua_tonumber(L, -1);
    if (lua_type(L, -1) != LUA_TNUMBER || !(*seconds > 0))
        oh_argument_error_raise(L, "%s must be a number of seconds above 0", name);
    if (*seconds > MOST_SECONDS)
        *seconds = MOST_SECONDS;
}

static void read_count(lua_State *L, const char *name, const char *what, size_t *count)
{
    double number = lua_tonumber(L, -1);

    if (lua_type(L, -1) != LUA_TNUMBER || !(number >= 1 && number <= 2147483647.0))
        oh_argument_error_raise(L, "%s must be %s from 1 to 2147483647", name, what);
    *count = (size_t)number;
}

void oh_options_read(lua_State *L, int index, const struct oh_option *description, void *target)
{
    const struct oh_option *option;
    const char *name;

    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        char *place = target;
        name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "(not a string)";
        for (option = description; option->name != NULL; option++)
            if (option->name[0] == name[0] && strcmp(option->name, name) == 0)
                break;
        if (option->name == NULL)
            oh_argument_error_raise(L, "unknown option '%s'", name);
        place += option->offset;
        switch (option->kind) {
        case OH_OPTION_TEXT: read_text(L, name, (struct oh_text *)(void *)place); break;
        case OH_OPTION_FOREIGN: read_foreign(L, name, (struct oh_text *)(void *)place); break;
        case OH_OPTION_SECONDS: read_seconds(L, name, (double *)(void *)place); break;
        case OH_OPTION_BYTES: read_count(L, name, "a number of bytes", (size_t *)(void *)place); break;
        case OH_OPTION_COUNT: read_count(L, name, "a number", (size_t *)(void *)place); break;
        case OH_OPTION_FLAG: *(bool *)(void *)place = lua_toboolean(L, -1); break;
        }
    }
}
