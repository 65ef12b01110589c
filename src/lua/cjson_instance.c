/* A separate instance of lua-cjson: the host's settings do not affect it, and it does not change them. In Neovim the
   encoder is Neovim's own. */
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

/* Replaces the value on top of the stack by one of its fields, read raw: a strict host raises for what it lacks. */
static void enter_field(lua_State *L, const char *name)
{
    if (!lua_istable(L, -1))
        return;
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    lua_remove(L, -2);
}

/* Leaves Neovim's `vim.json.encode` on the stack; outside Neovim something that is no function. */
static void push_encoder_of_neovim(lua_State *L)
{
    lua_getglobal(L, "_G");
    enter_field(L, "vim");
    enter_field(L, "json");
    enter_field(L, "encode");
}

/* Keeps the encoder of a lua-cjson, and its sentinels. */
static void open_module(lua_State *L, int shared)
{
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
}

/* Neovim exports the functions of its own lua-cjson to all modules. An installed lua-cjson of another version calls
   those with buffers of another layout, and encodes strings wrong: in Neovim none is loaded. If somebody else has loaded
   one, its sentinels are known. */
static void open_in_neovim(lua_State *L, int shared)
{
    lua_rawseti(L, shared, OH_SLOT_CJSON_ENCODE);
    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    enter_field(L, "cjson");
    lua_pushvalue(L, shared);
    oh_json_sentinels_open(L, shared + 1);
}

void oh_cjson_open(lua_State *L)
{
    int shared;

    lua_newtable(L);
    shared = lua_gettop(L);
    push_encoder_of_neovim(L);
    if (lua_isfunction(L, -1)) {
        open_in_neovim(L, shared);
    } else {
        lua_settop(L, shared);
        open_module(L, shared);
    }
    lua_settop(L, shared);
}
