/* openhands.core: the operations, and the module. Whatever is acquired hangs off the client first. No Lua runs inside
   step; where Lua may run all the same (a push can finalize, a hook can fire), the client is held exclusively. */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>
#include <string.h>

#include "lua/call.h"
#include "lua/reflection.h"
#include "lua/redact_values.h"
#include "lua/client.h"
#include "wire/identifier.h"
#include "lua/cjson_instance.h"
#include "lua/json_sentinels.h"
#include "http/library.h"
#include "lua/argument_error.h"
#include "wire/operations.h"
#include "wire/error_kind.h"
#include "lua/result.h"
#include "lua/limits.h"
#include "lua/prepared.h"

/* ---- exchanges ------------------------------------------------------------------------------------------------ */

/*** Submits one operation; the functions `core.start`, `core.status`, … are this one with their row.
@function operation
@param client the client
@param fields a table of the row's fields, or the value of its first field alone; or what `prepare` has made of them
@tparam table options `api` ("v0", "v1" or "agent", needed); `timeout`, `connect_timeout` (seconds), `max_body`,
  `max_memory` (bytes), `api_key`, `organization` for this exchange only; `server` (base URL of the conversation's own server, for operations
  that it serves), `session_api_key` (for that server; the account's key never goes there); `download` (path of the file
  to make, for operations that answer one)
@treturn[1] number the exchange's number, which `next` will name
@treturn[2] nil
@treturn[2] table error of kind `unsupported`, `invalid`, `file`, `protocol` or `connect`; nothing was sent. Raises for
  the caller's mistakes. */
static int l_operation(lua_State *L)
{
    (void)oh_client_check(L);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    lua_pushvalue(L, lua_upvalueindex(2));
    return oh_client_exclusively(L, OH_WORK_OPERATION);
}

/*** Submits a request that no operation describes.
@function request
@param client the client
@tparam table request `method` ("GET", "POST", "PUT", "PATCH", "DELETE"; "GET" by itself), `path` (from "/" on, without
  query; percent-encoded here), `query` (table from name to text, whole number, boolean or a list of these), `body`
  (what JSON can hold); or what `prepare` has made of it
@tparam table options as for an operation; `api` is not needed
@treturn number|nil as for an operation
@treturn table|nil */
static int l_request(lua_State *L)
{
    (void)oh_client_check(L);
    if (oh_prepared_at(L, 2) == NULL)
        luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    return oh_client_exclusively(L, OH_WORK_REQUEST);
}

/*** Moves all exchanges on.
@function step
@tparam[opt=0] number seconds to wait at most; one call never waits above 0.1, so that signals are seen */
static int l_step(lua_State *L)
{
    struct oh_client *client = oh_client_check(L);
    double seconds = luaL_optnumber(L, 2, 0);

    oh_multi_step(&client->multi, seconds > 0 ? seconds : 0);
    return 0;
}

static int work_next(lua_State *L)
{
    struct oh_client *client = lua_touserdata(L, 1);
    bool keeps = lua_type(L, 2) == LUA_TNUMBER;
    struct oh_exchange *exchange =
        keeps ? oh_queue_find(&client->multi.done, (uint64_t)lua_tonumber(L, 2)) : NULL;
    double date;

    if (exchange != NULL)
        oh_multi_release(&client->multi, exchange);
    exchange = oh_multi_done(&client->multi);
    if (exchange == NULL)
        return 0;
    lua_settop(L, 1);
    luaL_checkstack(L, 16, "next");
    oh_client_keep_secret(L, client, exchange->api_key);
    oh_client_keep_secret(L, client, exchange->session_api_key);
    lua_pushinteger(L, (lua_Integer)exchange->number);
    (void)oh_result_push(L, exchange, &client->secrets);
    lua_settop(L, 4); /* the number, a value, an error or nil */
    date = exchange->server == NULL ? oh_headers_date(exchange->response.date) : -1;
    if (date >= 0)
        oh_pushwhole(L, date);
    if (!keeps)
        oh_multi_release(&client->multi, exchange); /* last: until here an error would lose nothing */
    return date >= 0 ? 4 : 3;
}

/*** Takes the oldest finished exchange.
@function next
@tparam[opt] number taken the number that it gave last, or 0: it gives the same exchange again and again until that is
  named here, so that an error (Ctrl-C's, say) loses no response. nil: each is given once
@treturn[1] number
@return[1] the decoded answer
@treturn[2] number
@treturn[2] nil
@treturn[2] table error, without a metatable
@treturn[3] nil when none has finished
A fourth value is the moment at which the service says to have answered, in seconds since 1970, if it does. */
static int l_next(lua_State *L)
{
    if (oh_client_check(L)->multi.done.first == NULL)
        return 0;
    return oh_client_exclusively(L, OH_WORK_NEXT);
}

static uint64_t check_number(lua_State *L)
{
    lua_Number number = luaL_checknumber(L, 2);

    luaL_argcheck(L, number >= 1 && number <= 9007199254740992.0 && number == (lua_Number)(uint64_t)number, 2,
                  "not the number of an exchange");
    return (uint64_t)number;
}

static int work_take(lua_State *L)
{
    struct oh_client *client = lua_touserdata(L, 1);
    uint64_t number = (uint64_t)lua_tonumber(L, 2);
    struct oh_exchange *exchange = oh_multi_find(&client->multi, number);

    if (exchange == NULL) /* cut in the middle, say: what came before the cut is still good */
        exchange = oh_queue_find(&client->multi.done, number);
    return exchange != NULL ? oh_result_push_element(L, exchange) : 0;
}

/*** Takes the next whole element of a list that is still arriving (operations whose shape is "stream").
@function take
@tparam number number of the exchange, in flight or finished, until `next` gives it
@treturn table|nil nil: none has come whole; elements taken here are in the list that `next` gives too */
static int l_take(lua_State *L)
{
    (void)oh_client_check(L);
    (void)check_number(L);
    return oh_client_exclusively(L, OH_WORK_TAKE);
}

static int l_outgoing(lua_State *L)
{
    return oh_client_exclusively(L, OH_WORK_OUTGOING);
}

static int l_answer(lua_State *L)
{
    return oh_client_exclusively(L, OH_WORK_ANSWER);
}

/*** How much of an answer has come.
@function progress
@tparam number number of the exchange
@treturn number|nil bytes so far; nil when it is not in flight
@treturn number|nil bytes in all, where the service says it */
static int l_progress(lua_State *L)
{
    struct oh_client *client = oh_client_check(L);
    const struct oh_exchange *exchange = oh_multi_find(&client->multi, check_number(L));
    double expected;

    if (exchange == NULL)
        return 0;
    expected = oh_exchange_expected(exchange);
    oh_pushwhole(L, oh_exchange_arrived(exchange));
    if (expected < 0)
        return 1;
    oh_pushwhole(L, expected);
    return 2;
}

/*** Ends an exchange at once; `next` will give it with an error of kind `cancelled`.
@function cancel
@tparam number number
@treturn boolean whether it was still in flight */
static int l_cancel(lua_State *L)
{
    struct oh_client *client = oh_client_check(L);

    lua_pushboolean(L, oh_multi_cancel(&client->multi, check_number(L)));
    return 1;
}

/*** The one descriptor to poll for the whole client (cqueues' pollable protocol, with `events` and `timeout`).
@function pollfd
@treturn number|nil nil where the system has no such thing: call `step` from a timer instead */
static int l_pollfd(lua_State *L)
{
    int descriptor = oh_multi_descriptor(&oh_client_check(L)->multi);

    if (descriptor < 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, descriptor);
    return 1;
}

/*** @function events
@treturn string "r": the descriptor is only ever polled for reading */
static int l_events(lua_State *L)
{
    (void)oh_client_check(L);
    lua_pushliteral(L, "r");
    return 1;
}

/*** @function timeout
@treturn number|nil seconds until `step` is due although the descriptor stays quiet */
static int l_timeout(lua_State *L)
{
    double seconds = oh_multi_timeout(&oh_client_check(L)->multi);

    if (seconds < 0)
        lua_pushnil(L);
    else
        lua_pushnumber(L, seconds);
    return 1;
}

/*** Sets the one alarm of the client: for hosts that can watch a descriptor and nothing else. The descriptor is readable,
and `timeout` is over, when it rings; the next `step` ends it.
@function alarm
@tparam[opt] number seconds from now, up to 1e9; nil: none. Replaces the one before. */
static int l_alarm(lua_State *L)
{
    struct oh_client *client = oh_client_check(L);
    double seconds = luaL_optnumber(L, 2, -1);

    luaL_argcheck(L, lua_isnoneornil(L, 2) || (seconds >= 0 && seconds <= 1e9), 2, "not a number of seconds");
    oh_multi_alarm(&client->multi, seconds);
    return 0;
}

/*** @function in_flight
@treturn number exchanges that have not finished
@treturn boolean whether some have that nobody has taken */
static int l_in_flight(lua_State *L)
{
    const struct oh_client *client = oh_client_check(L);

    lua_pushinteger(L, (lua_Integer)client->multi.flying_count);
    lua_pushboolean(L, client->multi.done.first != NULL);
    return 2;
}

/* ---- the module ----------------------------------------------------------------------------------------------- */

/*** @function uuid
@treturn string a random UUID */
static int l_uuid(lua_State *L)
{
    char uuid[OH_UUID_SIZE];

    if (!oh_identifier_new_uuid(uuid))
        return luaL_error(L, "the system gives no random numbers");
    lua_pushstring(L, uuid);
    return 1;
}

/*** @function monotonic
@treturn number seconds on a clock that never jumps */
static int l_monotonic(lua_State *L)
{
    lua_pushnumber(L, oh_monotonic());
    return 1;
}

/*** Tells a process from its forked children.
@function generation
@treturn number how many forks lie between the first process that loaded this module and this one */
static int l_generation(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)oh_library_generation());
    return 1;
}

/*** @function version
@treturn string of this module
@treturn string of the libcurl in use, and of its TLS library */
static int l_version(lua_State *L)
{
    const char *tls, *library = oh_library_version(&tls);

    lua_pushliteral(L, OH_VERSION);
    lua_pushfstring(L, "libcurl/%s %s", library, tls);
    return 2;
}

/*** Marks a table as a list, so that it is sent as `[]` even when it is empty.
@function array
@tparam[opt] table list
@treturn table the same table */
static int l_array(lua_State *L)
{
    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
        lua_newtable(L);
        lua_replace(L, 1);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    oh_json_sentinels_push_list_mark(L, lua_upvalueindex(1));
    lua_setmetatable(L, 1);
    return 1;
}

static const struct oh_secrets none;

/*** Copies a foreign value without what opens something: values of fields whose names say so, and in texts `key: …`,
`tkn=…`, `Bearer …`, `scheme://user:password@`. A string has at most 16384 bytes then; in a table, each at most 4096, all
together at most 65536 in at most 2000 values, 20 levels deep. What is cut ends with "…".
@function redact
@param value
@return a copy; cleaning that one changes nothing */
static int l_redact(lua_State *L)
{
    return oh_redact_values_redact(L, &none, 1);
}

/*** Makes one line of a foreign text, without what opens something.
@function redact_line
@tparam string text
@tparam[opt=1000] number most bytes
@treturn string */
static int l_redact_line(lua_State *L)
{
    return oh_redact_values_line(L, &none, 1);
}

/* A resolver thread may outlive the Lua state: its code must stay mapped. */
static void pin(void)
{
    static const char here;
    Dl_info module;

    if (dladdr(&here, &module) != 0 && module.dli_fname != NULL)
        (void)dlopen(module.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

static void keep_work(lua_State *L, int shared)
{
    static const struct {
        int slot;
        lua_CFunction work;
    } works[] = {
        {OH_WORK_OPERATION, oh_call_operation}, {OH_WORK_REQUEST, oh_call_request},
        {OH_WORK_NEXT, work_next},              {OH_WORK_TAKE, work_take},          {OH_WORK_OUTGOING, oh_external_outgoing},
        {OH_WORK_ANSWER, oh_external_answer},
    };
    size_t i;

    for (i = 0; i < sizeof works / sizeof works[0]; i++) {
        lua_pushvalue(L, shared);
        lua_pushcclosure(L, works[i].work, 1);
        lua_rawseti(L, shared, works[i].slot);
    }
}

static const luaL_Reg methods[] = {
    {"step", l_step},         {"next", l_next},         {"cancel", l_cancel},       {"pollfd", l_pollfd},
    {"events", l_events},     {"timeout", l_timeout},   {"close", oh_client_close}, {"redact", oh_client_redact},
    {"outgoing", l_outgoing}, {"answer", l_answer},     {"prepare", oh_prepared_new},      {"in_flight", l_in_flight},
    {"take", l_take},         {"progress", l_progress}, {"is_inherited", oh_client_is_inherited},
    {"alarm", l_alarm},       {"redact_line", oh_client_redact_line}, {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", oh_client_close}, {"__close", oh_client_close}, {"__tostring", oh_client_tostring}, {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"new", oh_client_new}, {"uuid", l_uuid},   {"monotonic", l_monotonic},
    {"version", l_version}, {"array", l_array}, {"operations", oh_reflection_operations},
    {"request", l_request}, {"poll", oh_client_poll}, {"generation", l_generation},
    {"redact", l_redact},     {"redact_line", l_redact_line},
    {NULL, NULL},
};

__attribute__((visibility("default"))) int luaopen_openhands_core(lua_State *L);

int luaopen_openhands_core(lua_State *L)
{
    const struct oh_operation *operation;
    int shared, module;
    size_t i;

#if LUA_VERSION_NUM >= 502
    luaL_checkversion(L);
#endif
    if (!oh_library_open())
        return luaL_error(L, "libcurl could not be initialised");
    pin();
    lua_settop(L, 0);
    oh_argument_error_open(L);
    oh_prepared_open(L);
    oh_cjson_open(L);
    shared = lua_gettop(L);
    keep_work(L, shared);
    if (luaL_newmetatable(L, OH_CLIENT)) {
        lua_pushvalue(L, shared);
        oh_setfuncs(L, metamethods, 1);
        lua_newtable(L);
        lua_pushvalue(L, shared);
        oh_setfuncs(L, methods, 1);
        lua_setfield(L, -2, "__index");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_newtable(L);
    module = lua_gettop(L);
    lua_pushvalue(L, shared);
    oh_setfuncs(L, functions, 1);
    for (i = 0; (operation = oh_operations_at(i)) != NULL; i++) {
        lua_pushvalue(L, shared);
        lua_pushstring(L, operation->name);
        lua_pushcclosure(L, l_operation, 2);
        lua_setfield(L, module, operation->name);
    }
    oh_limits_register(L);
    oh_argument_error_register(L);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, module, "null");
    oh_json_sentinels_push_object_mark(L, shared);
    lua_setfield(L, module, "object_mark");
    return 1;
}
