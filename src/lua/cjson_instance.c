/* A separate instance of lua-cjson: the host's settings do not affect it, and it does not change them. */
#include "lua/cjson_instance.h"

/* Leaves a new instance on the stack in place of the function that makes one. */
static void make_instance(lua_State *L)
{
    lua_call(L, 0, 1);
    lua_getfield(L, -1, "encode_escape_forward_slash");
    if (lua_isfunction(L, -1)) {
        lua_pushboolean(L, 0);
        if (lua_pcall(L, 1, 0, 0) != 0) /* it goes on escaping slashes, which is also valid JSON */
            lua_pop(L, 1);
    } else {
        lua_pop(L, 1);
    }
}

void oh_cjson_open(lua_State *L)
{
    int shared;

    lua_newtable(L);
    shared = lua_gettop(L);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "cjson");
    if (lua_pcall(L, 1, 1, 0) != 0)
        luaL_error(L, "openhands needs lua-cjson (Debian: lua-cjson; LuaRocks: lua-cjson): %s", lua_tostring(L, -1));
    lua_pushvalue(L, shared);
    oh_json_sentinels_open(L, shared + 1);
    lua_pop(L, 1);
    if (lua_istable(L, -1))
        lua_getfield(L, -1, "new");
    if (!lua_isfunction(L, -1))
        luaL_error(L, "openhands needs lua-cjson 2.1.0 or newer: the module 'cjson' found here has no function 'new'");
    make_instance(L);
    lua_getfield(L, -1, "encode");
    lua_rawseti(L, shared, OH_SLOT_CJSON_ENCODE);
    lua_settop(L, shared);
}
