/* Encodes Lua values as JSON. lua-cjson encodes the strings (in Neovim its own one); brackets and numbers are written
   here, because the two lua-cjsons in use (both "2.1.0") differ: Debian's has no empty list and mangles integers above
   14 digits. */
#include "lua/json_encode.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua/cjson_instance.h"
#include "wire/utf8.h"

void oh_json_encode_append(lua_State *L, struct oh_buffer *out, const char *bytes, size_t length,
                           const struct oh_argument_path *path)
{
    switch (oh_buffer_append(out, bytes, length)) {
    case OH_BUFFER_OK:
        return;
    case OH_BUFFER_FULL:
        oh_argument_error_at(L, path, "makes the path, query or body larger than %d bytes", (int)out->limit);
        return;
    case OH_BUFFER_MEMORY:
        luaL_error(L, "not enough memory");
    }
}

/* Returns whether a character has to be escaped. lua-cjson escapes two more, which do not need it: "/" and DEL. */
static bool needs_escape(char c)
{
    return (unsigned char)c < ' ' || c == '"' || c == '\\';
}

void oh_json_encode_escaped(lua_State *L, int shared, const char *text, size_t length, struct oh_buffer *out,
                            const struct oh_argument_path *path)
{
    const char *encoded;
    size_t size, at = 0, bad = oh_utf8_check(text, length);

    if (bad < length)
        oh_argument_error_at(L, path, "is not UTF-8 (byte %d)", (int)(bad + 1));
    if (length > out->limit)
        oh_argument_error_at(L, path, "makes the body larger than %d bytes", (int)out->limit);
    while (at < length && !needs_escape(text[at]))
        at++;
    if (at == length) {
        oh_json_encode_append(L, out, text, length, path);
        return;
    }
    lua_rawgeti(L, shared, OH_SLOT_CJSON_ENCODE);
    lua_pushlstring(L, text, length);
    lua_call(L, 1, 1);
    encoded = lua_tolstring(L, -1, &size);
    oh_json_encode_append(L, out, encoded + 1, size - 2, path);
    lua_pop(L, 1);
}

void oh_json_encode_text(lua_State *L, int shared, const char *text, size_t length, struct oh_buffer *out,
                         const struct oh_argument_path *path)
{
    oh_json_encode_append(L, out, "\"", 1, path);
    oh_json_encode_escaped(L, shared, text, length, out, path);
    oh_json_encode_append(L, out, "\"", 1, path);
}

/* Writes a decimal of at most 17 digits that reads back as the same number, with a point in every locale. Returns its
   length. */
static int format_number(char *text, size_t capacity, lua_Number number)
{
    const char *point = localeconv()->decimal_point;
    int digits = 15, length;
    char *found;

    do {
        length = snprintf(text, capacity, "%.*g", digits, number);
    } while (strtod(text, NULL) != number && ++digits <= 17);
    found = strstr(text, point);
    if (found != NULL) {
        *found = '.';
        memmove(found + 1, found + strlen(point), strlen(found + strlen(point)) + 1);
        length -= (int)strlen(point) - 1;
    }
    return length;
}

static void write_number(lua_State *L, int index, struct oh_buffer *out, const struct oh_argument_path *path)
{
    lua_Number number = lua_tonumber(L, index);
    char text[64];
    int length;

    if (oh_isinteger(L, index)) {
        length = snprintf(text, sizeof text, "%lld", (long long)lua_tointeger(L, index));
    } else if (number != number || number - number != 0) {
        oh_argument_error_at(L, path, "is not a finite number");
        return;
    } else if (number >= -OH_LARGEST_EXACT && number <= OH_LARGEST_EXACT && number == (lua_Number)(long long)number) {
        length = snprintf(text, sizeof text, "%lld", (long long)number);
    } else {
        length = format_number(text, sizeof text, number);
    }
    oh_json_encode_append(L, out, text, (size_t)length, path);
}

/* Returns whether the table at `index` is a list or an object. Its keys decide; if it is empty, its mark decides, or
   `form` if it has no mark. Raises if it is neither, or has a metatable that is not a mark. */
static enum oh_json_form form_of(lua_State *L, int shared, int index, enum oh_json_form form,
                                 const struct oh_argument_path *path)
{
    lua_Number largest = 0;
    size_t count = 0, names = 0;

    if (lua_getmetatable(L, index)) {
        if (oh_json_sentinels_is_list_mark(L, shared))
            form = OH_JSON_LIST;
        else if (oh_json_sentinels_is_object_mark(L, shared))
            form = OH_JSON_OBJECT;
        else if (!oh_json_sentinels_is_event_class(L))
            oh_argument_error_at(L, path, "has a metatable; give a plain table");
        lua_pop(L, 1);
    }
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            names++;
        } else if (lua_type(L, -2) == LUA_TNUMBER) {
            lua_Number key = lua_tonumber(L, -2);
            if (key < 1 || key > OH_LARGEST_EXACT || key != (lua_Number)(long long)key)
                oh_argument_error_at(L, path, "has a key that is neither a string nor a list index");
            largest = key > largest ? key : largest;
            count++;
        } else {
            oh_argument_error_at(L, path, "has a %s as a key", luaL_typename(L, -2));
        }
    }
    if (names > 0 && count > 0)
        oh_argument_error_at(L, path, "mixes list items with named fields");
    if (largest > (lua_Number)count)
        oh_argument_error_at(L, path, "is a list with holes (%d items, last index %d)", (int)count,
                             largest < 1e9 ? (int)largest : 1000000000);
    if (count > 0)
        return OH_JSON_LIST;
    return names > 0 || form == OH_JSON_ANY ? OH_JSON_OBJECT : form;
}

size_t oh_json_encode_list_length(lua_State *L, int shared, int index, const struct oh_argument_path *path)
{
    if (lua_type(L, index) != LUA_TTABLE || form_of(L, shared, index, OH_JSON_LIST, path) != OH_JSON_LIST)
        oh_argument_error_at(L, path, "must be a list");
    return oh_rawlen(L, index);
}

static void write_table(lua_State *L, int shared, int index, enum oh_json_form form, struct oh_buffer *out,
                        const struct oh_argument_path *path)
{
    struct oh_argument_path child;
    size_t i, length;
    bool first = true;

    child = oh_argument_path_field(path, NULL);
    if (form_of(L, shared, index, form, path) == OH_JSON_LIST) {
        oh_json_encode_append(L, out, "[", 1, path);
        length = oh_rawlen(L, index);
        for (i = 1; i <= length; i++) {
            child.index = (lua_Number)i;
            lua_rawgeti(L, index, (int)i);
            if (i > 1)
                oh_json_encode_append(L, out, ",", 1, path);
            oh_json_encode(L, shared, lua_gettop(L), OH_JSON_ANY, out, &child);
            lua_pop(L, 1);
        }
        oh_json_encode_append(L, out, "]", 1, path);
        return;
    }
    oh_json_encode_append(L, out, "{", 1, path);
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        size_t size;
        child.name = lua_tolstring(L, -2, &size);
        if (!first)
            oh_json_encode_append(L, out, ",", 1, path);
        first = false;
        oh_json_encode_text(L, shared, child.name, size, out, &child);
        oh_json_encode_append(L, out, ":", 1, path);
        oh_json_encode(L, shared, lua_gettop(L), OH_JSON_ANY, out, &child);
    }
    oh_json_encode_append(L, out, "}", 1, path);
}

void oh_json_encode(lua_State *L, int shared, int index, enum oh_json_form form, struct oh_buffer *out,
                    const struct oh_argument_path *path)
{
    const struct oh_argument_path *above;
    struct oh_argument_path here;
    const char *text;
    size_t length;

    luaL_checkstack(L, 8, "table nested too deeply");
    oh_json_sentinels_replace(L, shared, index);
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        text = lua_tolstring(L, index, &length);
        oh_json_encode_text(L, shared, text, length, out, path);
        return;
    case LUA_TNUMBER:
        write_number(L, index, out, path);
        return;
    case LUA_TBOOLEAN:
        text = lua_toboolean(L, index) ? "true" : "false";
        oh_json_encode_append(L, out, text, strlen(text), path);
        return;
    case LUA_TTABLE:
        here = *path;
        here.table = lua_topointer(L, index);
        for (above = path->up; above != NULL; above = above->up)
            if (above->table == here.table)
                oh_argument_error_at(L, path, "contains itself");
        if (here.depth > OH_JSON_DEEPEST)
            oh_argument_error_at(L, path, "is nested deeper than %d tables", OH_JSON_DEEPEST);
        write_table(L, shared, index, form, out, &here);
        return;
    case LUA_TLIGHTUSERDATA:
        if (oh_json_sentinels_is_null(L, index)) {
            oh_json_encode_append(L, out, "null", 4, path);
            return;
        }
        /* fall through */
    default:
        oh_argument_error_at(L, path, "is a %s, which JSON cannot hold", luaL_typename(L, index));
    }
}
