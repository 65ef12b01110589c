/* Gives Lua the limits of ids, keys and sizes. The numbers are defined where they are enforced. */
#include "lua/limits.h"

#include "lua/client.h"
#include "lua/free_request.h"
#include "wire/identifier.h"
#include "wire/operations.h"
#include "wire/secret.h"

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
    static const luaL_Reg functions[] = {{"key_problem", l_key_problem}, {NULL, NULL}};

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
