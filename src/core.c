/* openhands.core: opens the module and registers the functions that the files of src/lua define. */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>

#include "http/libcurl_setup.h"
#include "lua/argument_error.h"
#include "lua/ascii.h"
#include "lua/call.h"
#include "lua/cjson_instance.h"
#include "lua/client.h"
#include "lua/exchanges.h"
#include "lua/external_transport.h"
#include "lua/identifiers.h"
#include "lua/json_sentinels.h"
#include "lua/limits.h"
#include "lua/host_wait.h"
#include "lua/members.h"
#include "lua/pipes.h"
#include "lua/prepared.h"
#include "lua/private_files.h"
#include "lua/redact_values.h"
#include "lua/reflection.h"
#include "lua/terminal.h"

/*** Returns the time of a clock that never jumps.
@function monotonic
@treturn number seconds */
static int l_monotonic(lua_State *L)
{
    lua_pushnumber(L, oh_monotonic());
    return 1;
}

/*** Returns a number that differs between a process and its forked children.
@function generation
@treturn number of forks between the first process that loaded this module and this one */
static int l_generation(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)oh_libcurl_generation());
    return 1;
}

/*** Returns the versions in use.
@function version
@treturn string of this module
@treturn string of libcurl and of its TLS library */
static int l_version(lua_State *L)
{
    const char *tls, *library = oh_libcurl_version(&tls);

    lua_pushliteral(L, OH_VERSION);
    lua_pushfstring(L, "libcurl/%s %s", library, tls);
    return 2;
}

static const luaL_Reg functions[] = {
    {"monotonic", l_monotonic}, {"generation", l_generation}, {"version", l_version}, {NULL, NULL},
};

/* Keeps the module mapped: a resolver thread of libcurl may outlive the Lua state. */
static void pin(void)
{
    static const char here;
    Dl_info module;

    if (dladdr(&here, &module) != 0 && module.dli_fname != NULL)
        (void)dlopen(module.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

/* Makes the metatable of clients, or completes one left unfinished when an earlier opening ran out of memory. */
static void open_client(lua_State *L, int shared)
{
    (void)luaL_newmetatable(L, OH_CLIENT);
    oh_client_add_metamethods(L);
    lua_newtable(L);
    oh_client_add_methods(L);
    oh_exchanges_add_methods(L, shared);
    oh_external_transport_add_methods(L, shared);
    oh_host_wait_add_methods(L);
    oh_prepared_add_methods(L, shared);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

__attribute__((visibility("default"))) int luaopen_openhands_core(lua_State *L);

int luaopen_openhands_core(lua_State *L)
{
    int shared;

#if LUA_VERSION_NUM >= 502
    luaL_checkversion(L);
#endif
    if (!oh_libcurl_open())
        return luaL_error(L, "libcurl could not be initialised");
    pin();
    lua_settop(L, 0);
    oh_argument_error_open(L);
    oh_prepared_open(L);
    oh_cjson_open(L);
    shared = lua_gettop(L);
    open_client(L, shared);
    lua_newtable(L);
    oh_setfuncs(L, functions, 0);
    oh_argument_error_add_functions(L);
    oh_ascii_add_functions(L);
    oh_members_add_functions(L);
    oh_call_add_functions(L, shared);
    oh_client_add_functions(L);
    oh_identifiers_add_functions(L);
    oh_json_sentinels_add_functions(L, shared);
    oh_limits_add_functions(L);
    oh_host_wait_add_functions(L);
    oh_pipes_add_functions(L);
    oh_private_files_add_functions(L);
    oh_redact_values_add_functions(L);
    oh_reflection_add_functions(L);
    oh_terminal_add_functions(L);
    return 1;
}
