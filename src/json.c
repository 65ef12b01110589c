/* lua-cjson, through an instance of our own, so that nobody's settings are seen or changed; and JSON -> Lua values. */
#include "json.h"

#include <locale.h>
#include <string.h>

#include "json_foreign.h"
#include "text.h"

#define DEEPEST_ANSWER 100
#define LIST_MARK "openhands.list"

/* Calls a settings function of the instance on top of the stack if it has one; a refusal is no error. */
static void configure(lua_State *L, const char *name, int arguments, const lua_Number *values)
{
    int i;

    lua_getfield(L, -1, name);
    if (lua_isfunction(L, -1)) {
        for (i = 0; i < arguments; i++) {
            if (values[i] < 0)
                lua_pushboolean(L, 0);
            else
                lua_pushnumber(L, values[i]);
        }
        if (lua_pcall(L, arguments, 0, 0) != 0)
            lua_pop(L, 1);
    } else {
        lua_pop(L, 1);
    }
}

static void keep(lua_State *L, int shared, const char *name, int slot)
{
    lua_getfield(L, -1, name);
    lua_rawseti(L, shared, slot);
}

/* A new instance of lua-cjson takes the place of the last. It knows the locale's decimal point as it is now. */
static void renew(lua_State *L, int shared)
{
    static const lua_Number off[] = {-1}, deepest[] = {DEEPEST_ANSWER};

    lua_rawgeti(L, shared, OH_JSON_NEW);
    lua_call(L, 0, 1);
    configure(L, "decode_invalid_numbers", 1, off);
    configure(L, "decode_max_depth", 1, deepest);
    configure(L, "decode_array_with_array_mt", 1, off);
    configure(L, "encode_escape_forward_slash", 1, off);
    keep(L, shared, "decode", OH_JSON_DECODE);
    keep(L, shared, "encode", OH_JSON_ENCODE);
    lua_pushstring(L, localeconv()->decimal_point);
    lua_rawseti(L, shared, OH_JSON_DECIMAL_POINT);
    lua_pop(L, 1);
}

void oh_json_open(lua_State *L)
{
    int shared;

    lua_newtable(L);
    shared = lua_gettop(L);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "cjson");
    if (lua_pcall(L, 1, 1, 0) != 0)
        luaL_error(L, "openhands needs lua-cjson (Debian: lua-cjson; LuaRocks: lua-cjson): %s", lua_tostring(L, -1));
    if (lua_istable(L, -1))
        keep(L, shared, "new", OH_JSON_NEW);
    lua_pushvalue(L, shared);
    oh_json_foreign_open(L, shared + 1);
    lua_pop(L, 1);
    lua_rawgeti(L, shared, OH_JSON_NEW);
    if (!lua_isfunction(L, -1))
        luaL_error(L, "openhands needs lua-cjson 2.1.0 or newer: the module 'cjson' found here has no function 'new'");
    renew(L, shared);
    (void)luaL_newmetatable(L, LIST_MARK); /* the same for every copy that a state loads */
    lua_pushliteral(L, LIST_MARK);
    lua_setfield(L, -2, "__name");
    lua_rawseti(L, shared, OH_JSON_LIST_MARK);
    lua_settop(L, shared);
}

void oh_json_push_list_mark(lua_State *L, int shared)
{
    lua_rawgeti(L, shared, OH_JSON_LIST_MARK);
}

/* ---- JSON -> Lua ---------------------------------------------------------------------------------------------- */

/* Pushes the integer that the float at `index` stands for; false, with nothing pushed, if it stands for none. */
static bool push_whole(lua_State *L, int index)
{
#if LUA_VERSION_NUM >= 503
    lua_Number number = lua_tonumber(L, index);

    if (!lua_isinteger(L, index) && number >= -OH_LARGEST_EXACT && number <= OH_LARGEST_EXACT &&
        number == (lua_Number)(lua_Integer)number) {
        lua_pushinteger(L, (lua_Integer)number);
        return true;
    }
#endif
    (void)L;
    (void)index;
    return false;
}

/* Walks the fresh table on top of the stack: no null in objects, no float where a whole number is meant. Assigning to
   a key that exists, nil included, is what lua_next allows during a walk. */
static void tidy(lua_State *L)
{
    int table = lua_gettop(L);

    luaL_checkstack(L, 6, "answer nested too deeply");
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
        int type = lua_type(L, -1);
        if (type == LUA_TTABLE) {
            tidy(L);
        } else if (type == LUA_TLIGHTUSERDATA && lua_type(L, -2) == LUA_TSTRING && oh_json_is_null(L, -1)) {
            lua_pushvalue(L, -2);
            lua_pushnil(L);
            lua_rawset(L, table);
        } else if (type == LUA_TNUMBER && push_whole(L, -1)) {
            lua_pushvalue(L, -3);
            lua_insert(L, -2);
            lua_rawset(L, table);
        }
    }
}

/* Whether the error on top of the stack is lua-cjson's word that the text is not JSON, rather than the error of a
   finalizer, a hook or a full stack, which say nothing of the text. */
static bool is_verdict(lua_State *L)
{
    const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";

    return strstr(message, " at character ") != NULL || strstr(message, "JSON parser does not support") != NULL;
}

/* Leaves the decoded value, or nothing. */
static bool decode(lua_State *L, int shared, const char *bytes, size_t length)
{
    lua_rawgeti(L, shared, OH_JSON_DECODE);
    lua_pushlstring(L, bytes, length);
    if (lua_pcall(L, 1, 1, 0) == 0)
        return true;
    if (!is_verdict(L))
        lua_error(L);
    lua_pop(L, 1);
    return false;
}

/* The host has called setlocale since the instance was made: it would stumble over every fraction. */
static bool locale_changed(lua_State *L, int shared)
{
    bool changed;

    lua_rawgeti(L, shared, OH_JSON_DECIMAL_POINT);
    changed = strcmp(lua_tostring(L, -1), localeconv()->decimal_point) != 0;
    lua_pop(L, 1);
    return changed;
}

bool oh_json_read(lua_State *L, int shared, char *bytes, size_t length)
{
    bool decoded;

    if (length == 0 || oh_text_check_utf8(bytes, length) < length)
        return false;
    if (locale_changed(L, shared))
        renew(L, shared);
    decoded = decode(L, shared, bytes, length);
    if (!decoded && oh_text_replace_lone_surrogates(bytes, length))
        decoded = decode(L, shared, bytes, length);
    if (!decoded)
        return false;
    if (lua_istable(L, -1))
        tidy(L);
    else if (lua_type(L, -1) == LUA_TNUMBER && push_whole(L, -1))
        lua_replace(L, -2);
    return true;
}
