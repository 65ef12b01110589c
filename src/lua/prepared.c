/* A prepared request: the fields of a call, checked and encoded once. It holds a reference to the bytes; so does
   each exchange that sends them, and the last holder wipes and frees them. */
#include "lua/prepared.h"

#include <string.h>

#include "lua/argument_error.h"
#include "lua/client.h"
#include "lua/free_request.h"
#include "lua/result.h"

#define PREPARED "openhands.prepared " OH_VERSION /* another version's userdata is another type */

enum oh_fields_verdict oh_prepared_encode(lua_State *L, int shared, const struct oh_operation *operation, int index,
                                          struct oh_request *request)
{
    if (!oh_free_request_describes(operation))
        return oh_arguments_read(L, shared, operation, index, request);
    oh_free_request_read(L, shared, operation, index, request);
    return OH_FIELDS_GOOD;
}

const struct oh_prepared *oh_prepared_at(lua_State *L, int index)
{
    return oh_testudata(L, index, PREPARED);
}

void oh_prepared_check(lua_State *L, const struct oh_prepared *prepared, const struct oh_operation *operation)
{
    const struct oh_operation *own = prepared->operation;

    if (prepared->request == NULL)
        oh_argument_error_raise(L, "%s: this prepared request is closed", operation->name);
    if (own != operation)
        oh_argument_error_raise(L, "%s (%s): this request was prepared for %s (%s)", operation->name,
                                oh_api_name(operation->api), own->name, oh_api_name(own->api));
}

/* Drops the reference before the garbage collector does; exchanges in flight keep their own. Also the finalizer: does
   not throw on a prepared request. */
static int l_close(lua_State *L)
{
    struct oh_prepared *prepared = luaL_checkudata(L, 1, PREPARED);

    oh_request_release(prepared->request);
    prepared->request = NULL;
    return 0;
}

static int l_tostring(lua_State *L)
{
    const struct oh_prepared *prepared = luaL_checkudata(L, 1, PREPARED);

    lua_pushfstring(L, "openhands.prepared (%s, %s%s)", prepared->operation->name,
                    oh_api_name(prepared->operation->api), prepared->request == NULL ? ", closed" : "");
    return 1;
}

void oh_prepared_open(lua_State *L)
{
    static const luaL_Reg metamethods[] = {
        {"__gc", l_close}, {"__close", l_close}, {"__tostring", l_tostring}, {NULL, NULL},
    };

    (void)luaL_newmetatable(L, PREPARED); /* or completes one that an earlier failure left unfinished */
    oh_setfuncs(L, metamethods, 0);
    lua_newtable(L);
    lua_pushcfunction(L, l_close);
    lua_setfield(L, -2, "close");
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

/* Returns the dialect at index 4; raises if it is not a dialect. A free request may leave it out: only "agent"
   matters there. */
static enum oh_api check_api(lua_State *L, const char *name)
{
    enum oh_api api = OH_API_V1;

    if (lua_isnoneornil(L, 4) && strcmp(name, OH_FREE_REQUEST) == 0)
        return api;
    if (lua_type(L, 4) != LUA_TSTRING || !oh_api_from_name(lua_tostring(L, 4), &api))
        oh_argument_error_raise(L, "%s: api must be \"v0\", \"v1\" or \"agent\"", name);
    return api;
}

/* Refuses an operation that this dialect does not have; raises if no dialect has it. */
static int refuse_name(lua_State *L, const char *name, enum oh_api api)
{
    const struct oh_operation *other;
    size_t i;

    for (i = 0; (other = oh_operations_at(i)) != NULL; i++)
        if (strcmp(other->name, name) == 0)
            return oh_result_push_refusal(L, "unsupported", name, oh_api_name(api),
                                          "this dialect has no such operation");
    return oh_argument_error_raise(L, "there is no operation '%s'", name);
}

/*** Checks and encodes the fields of a call without sending anything.
@function prepare
@param client the client; any client of this Lua state may send the result
@tparam string name of the operation, or "request" for a request that no operation describes
@param fields as for the operation; raises argument errors
@tparam string api the dialect; for "request": "agent" if it goes to a conversation's own server, otherwise another
  dialect or nil
@treturn[1] userdata takes the place of the fields in any number of calls of this operation and dialect. Its method
  `close` frees it early; exchanges in flight are not affected
@treturn[2] nil
@treturn[2] table error of kind `unsupported` or `invalid`, as the call would give it */
static int l_prepare(lua_State *L)
{
    const struct oh_client *client = oh_client_check(L);
    const char *name = luaL_checkstring(L, 2);
    const struct oh_operation *operation;
    enum oh_fields_verdict verdict;
    struct oh_prepared *prepared;
    enum oh_api api;

    lua_settop(L, 4);
    api = check_api(L, name);
    if (strcmp(name, OH_FREE_REQUEST) == 0) {
        luaL_checktype(L, 3, LUA_TTABLE);
        operation = oh_free_request_operation(L, 3, api == OH_API_AGENT);
    } else {
        operation = oh_operations_find(name, api);
    }
    if (operation == NULL)
        return refuse_name(L, name, api);
    prepared = lua_newuserdata(L, sizeof *prepared);
    prepared->request = NULL; /* owned by Lua before it is filled */
    prepared->operation = operation;
    oh_setmetatable(L, PREPARED);
    prepared->request = oh_request_new(client->multi.most_sent);
    if (prepared->request == NULL)
        return luaL_error(L, "not enough memory");
    verdict = oh_prepared_encode(L, lua_upvalueindex(1), operation, 3, prepared->request);
    if (verdict == OH_FIELDS_GOOD) {
        lua_settop(L, 5);
        return 1;
    }
    oh_request_release(prepared->request);
    prepared->request = NULL;
    return oh_result_push_refusal(L, oh_fields_kind(verdict), name, oh_api_name(api), lua_tostring(L, -1));
}

void oh_prepared_add_methods(lua_State *L, int shared)
{
    lua_pushvalue(L, shared);
    lua_pushcclosure(L, l_prepare, 1);
    lua_setfield(L, -2, "prepare");
}
