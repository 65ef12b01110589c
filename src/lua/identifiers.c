/* Checks, normalizes and makes ids of the service, for Lua. */
#include "lua/identifiers.h"

#include <string.h>

#include "wire/ascii.h"
#include "wire/identifier.h"

/* Pushes whether the first argument is a string that passes the test. */
static int push_whether(lua_State *L, bool (*test)(const char *text, size_t length))
{
    size_t length;
    const char *text = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &length) : NULL;

    lua_pushboolean(L, text != NULL && test(text, length));
    return 1;
}

/*** Returns whether a value can be an id of the service: 1 to `limits.id_bytes` characters of A-Z a-z 0-9 _ -.
@function is_id
@param value
@treturn boolean */
static int l_is_id(lua_State *L)
{
    return push_whether(L, oh_identifier_is_valid);
}

/*** Returns whether a value is a UUID: a string of 32 hexadecimal digits, with or without the usual dashes.
@function is_uuid
@param value
@treturn boolean */
static int l_is_uuid(lua_State *L)
{
    return push_whether(L, oh_identifier_is_uuid);
}

static bool is_normal(const char *id, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++)
        if (id[i] == '-' || oh_ascii_is_upper(id[i]))
            return false;
    return true;
}

/*** Returns an id in the form in which ids are compared: without dashes, in lower case. The service spells the same id
in several ways.
@function normalize_id
@tparam string id
@treturn string */
static int l_normalize_id(lua_State *L)
{
    size_t i, length, count = 0;
    const char *id = luaL_checklstring(L, 1, &length);
    char normal[OH_LONGEST_IDENTIFIER];
    luaL_Buffer buffer;

    lua_settop(L, 1);
    if (is_normal(id, length))
        return 1;
    if (length <= sizeof normal) {
        for (i = 0; i < length; i++)
            if (id[i] != '-')
                normal[count++] = oh_ascii_lower(id[i]);
        lua_pushlstring(L, normal, count);
        return 1;
    }
    luaL_buffinit(L, &buffer);
    for (i = 0; i < length; i++)
        if (id[i] != '-')
            luaL_addchar(&buffer, oh_ascii_lower(id[i]));
    luaL_pushresult(&buffer);
    return 1;
}

/*** Returns whether two texts are the same id: whether `normalize_id` makes the same of both.
@function is_same_id
@tparam string one
@tparam string other
@treturn boolean */
static int l_is_same_id(lua_State *L)
{
    size_t length, other_length;
    const char *one = luaL_checklstring(L, 1, &length), *other = luaL_checklstring(L, 2, &other_length);

    lua_pushboolean(L, oh_identifier_is_same(one, length, other, other_length));
    return 1;
}

/*** Returns a UUID in lower case with its dashes, which some endpoints require; any other id unchanged.
@function id_with_dashes
@tparam string id
@treturn string */
static int l_id_with_dashes(lua_State *L)
{
    char dashed[OH_UUID_SIZE];
    size_t length;
    const char *id = luaL_checklstring(L, 1, &length);

    lua_settop(L, 1);
    if (oh_identifier_with_dashes(id, length, dashed))
        lua_pushstring(L, dashed);
    return 1;
}

/*** Returns a random UUID.
@function uuid
@treturn string raises if the system has no source of random numbers */
static int l_uuid(lua_State *L)
{
    char uuid[OH_UUID_SIZE];

    if (!oh_identifier_new_uuid(uuid))
        return luaL_error(L, "the system has no source of random numbers");
    lua_pushstring(L, uuid);
    return 1;
}

/*** Returns the UUID (version 5) that is derived from a name in a namespace: always the same for the same two.
@function uuid5
@tparam string namespace a UUID
@tparam string name
@treturn string */
static int l_uuid5(lua_State *L)
{
    char uuid[OH_UUID_SIZE];
    size_t space_length, length;
    const char *space = luaL_checklstring(L, 1, &space_length), *name = luaL_checklstring(L, 2, &length);

    luaL_argcheck(L, oh_identifier_derived_uuid(space, space_length, name, length, uuid), 1, "is no UUID");
    lua_pushstring(L, uuid);
    return 1;
}

void oh_identifiers_add_functions(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"is_id", l_is_id},
        {"is_uuid", l_is_uuid},
        {"normalize_id", l_normalize_id},
        {"is_same_id", l_is_same_id},
        {"id_with_dashes", l_id_with_dashes},
        {"uuid", l_uuid},
        {"uuid5", l_uuid5},
        {NULL, NULL},
    };

    oh_setfuncs(L, functions, 0);
}
