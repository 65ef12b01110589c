/* Gives Lua the limits of ids, keys and sizes. The numbers are defined where they are enforced. */
#include "lua/limits.h"

#include "lua/client.h"
#include "lua/free_request.h"
#include "wire/identifier.h"
#include "wire/operations.h"
#include "wire/secret.h"

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

/*** Returns why a text cannot be a key, e.g. "contains a space"; the key itself is not shown.
@function key_problem
@tparam string key
@treturn string|nil nil: nothing is wrong with it */
static int l_key_problem(lua_State *L)
{
    size_t length;
    const char *key = luaL_checklstring(L, 1, &length);
    const char *problem = oh_secret_problem(key, length);

    if (problem == NULL)
        return 0;
    lua_pushstring(L, problem);
    return 1;
}

static void set_number(lua_State *L, const char *name, double number)
{
    oh_pushwhole(L, number);
    lua_setfield(L, -2, name);
}

void oh_limits_add_functions(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"is_id", l_is_id}, {"is_uuid", l_is_uuid}, {"key_problem", l_key_problem}, {NULL, NULL},
    };

    oh_setfuncs(L, functions, 0);
    lua_newtable(L);
    set_number(L, "ids_per_request", OH_MOST_IDS);
    set_number(L, "id_bytes", OH_LONGEST_IDENTIFIER);
    set_number(L, "name_bytes", OH_LONGEST_NAME);
    set_number(L, "key_bytes", OH_SECRET_MOST);
    set_number(L, "body_bytes", OH_MOST_BODY);
    lua_setfield(L, -2, "limits");
    oh_free_request_push_methods(L);
    lua_setfield(L, -2, "request_methods");
}
