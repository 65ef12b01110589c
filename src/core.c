/* openhands.core: the client userdata and what Lua can do with it. It owns the origin, the multi and through them
   every exchange; whatever is acquired hangs off it first. No Lua is ever called from inside step. */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "arguments.h"
#include "compat.h"
#include "identifier.h"
#include "json.h"
#include "multi.h"
#include "operation.h"
#include "outcome.h"
#include "report.h"
#include "secret.h"

#define OH_VERSION "0.1.0"
#define CLIENT "openhands.core"
#define DEFAULT_CONNECT_TIMEOUT 10.0
#define LONGEST_TIMEOUT 1e6 /* seconds; more would overflow libcurl's milliseconds on 32 bits */
#define MOST_BYTES 33554432 /* 32 MiB, of a request or of an answer */

struct client {
    bool open;
    pid_t owner; /* the process that made it: a forked child must leave its sockets alone */
    double timeout, connect_timeout; /* seconds; timeout 0: each operation's own */
    struct oh_origin origin;
    struct oh_multi multi;
};

static struct client *check_any(lua_State *L)
{
    return luaL_checkudata(L, 1, CLIENT);
}

static struct client *check_open(lua_State *L)
{
    struct client *client = check_any(L);

    if (!client->open)
        luaL_error(L, "this client is closed");
    if (client->owner != getpid())
        luaL_error(L, "this client belongs to another process: make one after the fork");
    return client;
}

/* ---- options -------------------------------------------------------------------------------------------------- */

/* Pushes nothing: the string stays anchored in the options table. NULL when absent. */
static const char *text_option(lua_State *L, int table, const char *name, size_t *length)
{
    const char *text = NULL;

    lua_pushstring(L, name);
    lua_rawget(L, table);
    *length = 0;
    if (!lua_isnil(L, -1)) {
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "%s must be a string, not a %s", name, luaL_typename(L, -1));
        text = lua_tolstring(L, -1, length);
        if (strlen(text) != *length)
            luaL_error(L, "%s contains a NUL byte", name);
        if (*length == 0 && strcmp(name, "proxy") != 0)
            luaL_error(L, "%s is empty", name);
    }
    lua_pop(L, 1);
    return text;
}

static double seconds_option(lua_State *L, int table, const char *name, double otherwise)
{
    double seconds = otherwise;

    lua_pushstring(L, name);
    lua_rawget(L, table);
    if (!lua_isnil(L, -1)) {
        seconds = lua_tonumber(L, -1);
        if (lua_type(L, -1) != LUA_TNUMBER || !(seconds > 0))
            luaL_error(L, "%s must be a number of seconds above 0", name);
        if (seconds > LONGEST_TIMEOUT)
            seconds = LONGEST_TIMEOUT;
    }
    lua_pop(L, 1);
    return seconds;
}

static size_t bytes_option(lua_State *L, int table, const char *name, size_t otherwise)
{
    size_t bytes = otherwise;

    lua_pushstring(L, name);
    lua_rawget(L, table);
    if (!lua_isnil(L, -1)) {
        double number = lua_tonumber(L, -1);
        if (lua_type(L, -1) != LUA_TNUMBER || !(number >= 1 && number <= 2147483647.0))
            luaL_error(L, "%s must be a number of bytes from 1 to 2147483647", name);
        bytes = (size_t)number;
    }
    lua_pop(L, 1);
    return bytes;
}

static void check_option_names(lua_State *L, int table, const char *const *names)
{
    int i;

    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "(not a string)";
        for (i = 0; names[i] != NULL && strcmp(names[i], name) != 0; i++)
            continue;
        if (names[i] == NULL)
            luaL_error(L, "unknown option '%s'", name);
    }
}

static void check_header_text(lua_State *L, const char *name, const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            luaL_error(L, "%s contains a byte that cannot stand in a header", name);
}

static void check_key(lua_State *L, const char *key, size_t length)
{
    const char *problem = key != NULL ? oh_secret_problem(key, length) : NULL;

    if (problem != NULL)
        luaL_error(L, "api_key %s", problem); /* never the key itself */
}

static void keep_text(lua_State *L, char **slot, const char *text, size_t length)
{
    if (text != NULL && !oh_origin_keep(slot, text, length))
        luaL_error(L, "not enough memory");
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

static void set_origin(lua_State *L, struct client *client)
{
    struct oh_origin *origin = &client->origin;
    const char *text, *problem;
    size_t length;

    text = text_option(L, 1, "api_key", &length);
    check_key(L, text, length);
    keep_text(L, &origin->api_key, text, length);
    text = text_option(L, 1, "organization", &length);
    if (text != NULL && !oh_identifier_valid(text, length))
        luaL_error(L, "organization is not an id");
    keep_text(L, &origin->organization, text, length);
    text = text_option(L, 1, "user_agent", &length);
    check_header_text(L, "user_agent", text);
    keep_text(L, &origin->user_agent, text, length);
    text = text_option(L, 1, "ca_file", &length);
    keep_text(L, &origin->ca_file, text, length);
    text = text_option(L, 1, "proxy", &length);
    keep_text(L, &origin->proxy, text, length);
    text = text_option(L, 1, "base_url", &length);
    if (text == NULL)
        luaL_error(L, "base_url is missing");
    problem = oh_origin_open(origin, text);
    if (problem != NULL)
        luaL_error(L, "base_url %s", problem);
}

/*** Makes a client: one account on one service.
@function new
@tparam table options `base_url` (string, needed); `api_key`, `organization`, `user_agent`, `ca_file`, `proxy`
  (strings); `timeout`, `connect_timeout` (seconds); `max_body` (bytes of an answer); `external` (boolean: exchanges
  are carried by Lua through `outgoing` and `answer`, not by libcurl)
@treturn userdata the client; raises for what is malformed */
static int l_new(lua_State *L)
{
    static const char *const names[] = {"base_url", "api_key",         "organization", "user_agent", "ca_file", "proxy",
                                        "timeout",  "connect_timeout", "max_body",     "external",   NULL};
    struct client *client;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    check_option_names(L, 1, names);
    client = lua_newuserdata(L, sizeof *client);
    memset(client, 0, sizeof *client); /* born closed */
    oh_multi_init(&client->multi, &client->origin);
    client->owner = getpid();
    oh_setmetatable(L, CLIENT);
    client->timeout = seconds_option(L, 1, "timeout", 0);
    client->connect_timeout = seconds_option(L, 1, "connect_timeout", DEFAULT_CONNECT_TIMEOUT);
    client->multi.most_sent = MOST_BYTES;
    client->multi.most_received = bytes_option(L, 1, "max_body", MOST_BYTES);
    lua_pushliteral(L, "external");
    lua_rawget(L, 1);
    client->multi.external = lua_toboolean(L, -1);
    lua_pop(L, 1);
    set_origin(L, client);
    client->open = true;
    return 1;
}

/*** Ends every exchange and frees everything; never fails, may be called again. Also the finalizer.
@function close */
static int l_close(lua_State *L)
{
    struct client *client = check_any(L);

    if (client->multi.inside)
        return luaL_error(L, "close was called while the client is stepping");
    client->open = false;
    if (client->owner == getpid()) {
        oh_multi_close(&client->multi);
        oh_origin_close(&client->origin);
    } else {
        /* A forked child: cleaning up would write on the parent's connections. What is left here is lost on purpose. */
        oh_multi_abandon(&client->multi);
    }
    return 0;
}

static int l_tostring(lua_State *L)
{
    struct client *client = check_any(L);

    if (!client->open)
        lua_pushliteral(L, CLIENT " (closed)");
    else
        lua_pushfstring(L, CLIENT " (%s, %d in flight)", client->origin.text, (int)client->multi.flying_count);
    return 1;
}

/* ---- exchanges ------------------------------------------------------------------------------------------------ */

static void set_call_options(lua_State *L, struct client *client, struct oh_exchange *exchange, int options)
{
    const char *text;
    size_t length;

    exchange->timeout = seconds_option(L, options, "timeout", client->timeout);
    exchange->connect_timeout = seconds_option(L, options, "connect_timeout", client->connect_timeout);
    exchange->received.limit = bytes_option(L, options, "max_body", exchange->received.limit);
    text = text_option(L, options, "api_key", &length);
    check_key(L, text, length);
    keep_text(L, &exchange->api_key, text, length);
    text = text_option(L, options, "organization", &length);
    if (text != NULL && !oh_identifier_valid(text, length))
        luaL_error(L, "organization is not an id");
    keep_text(L, &exchange->organization, text, length);
}

/* `options` is the index of a table, or 0 for none. */
static bool has_option(lua_State *L, int options, const char *name)
{
    bool there = false;

    if (options != 0) {
        lua_pushstring(L, name);
        lua_rawget(L, options);
        there = !lua_isnil(L, -1);
        lua_pop(L, 1);
    }
    return there;
}

static struct oh_exchange *prepare(lua_State *L, struct client *client, const struct oh_operation *operation,
                                   int options)
{
    bool plain = !operation->once && strcmp(operation->method, "GET") == 0 && !has_option(L, options, "api_key") &&
                 !has_option(L, options, "organization");
    struct oh_exchange *exchange = oh_multi_prepare(&client->multi, plain);

    if (exchange == NULL)
        luaL_error(L, "not enough memory");
    exchange->operation = operation;
    exchange->method = operation->method;
    exchange->once = operation->once;
    return exchange;
}

/*** Submits one operation; the functions `core.start`, `core.status`, … are this one with their row.
@function operation
@param client the client
@param fields a table of the row's fields, or the value of its first field alone
@tparam table options `api` ("v0" or "v1", needed); `timeout`, `connect_timeout` (seconds), `max_body` (bytes),
  `api_key`, `organization` for this exchange only
@treturn[1] number the exchange's number, which `next` will name
@treturn[2] nil
@treturn[2] table error of kind `unsupported` or `invalid`; nothing was sent. Raises for the caller's mistakes. */
static int l_operation(lua_State *L)
{
    static const char *const names[] = {"api", "timeout", "connect_timeout", "max_body", "api_key", "organization", NULL};
    int shared = lua_upvalueindex(1);
    const char *name = lua_tostring(L, lua_upvalueindex(2)), *api_name;
    const struct oh_operation *operation;
    struct client *client = check_open(L);
    enum oh_arguments_result read;
    struct oh_exchange *exchange;
    enum oh_api api;
    size_t length;

    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    check_option_names(L, 3, names);
    api_name = text_option(L, 3, "api", &length);
    if (api_name == NULL || !oh_api_from_name(api_name, &api))
        return luaL_error(L, "%s: api must be \"v0\" or \"v1\"", name);
    operation = oh_operation_find(name, api);
    if (operation == NULL)
        return oh_report_refusal(L, "unsupported", name, api_name, "this dialect has no such operation");
    exchange = prepare(L, client, operation, 3);
    set_call_options(L, client, exchange, 3);
    if (exchange->timeout <= 0)
        exchange->timeout = operation->timeout;
    if (client->origin.api_key == NULL && exchange->api_key == NULL)
        return luaL_error(L, "%s: there is no api_key", name);
    read = oh_arguments_read(L, shared, operation, 2, exchange);
    if (read != OH_ARGUMENTS_GOOD)
        return oh_report_refusal(L, read == OH_ARGUMENTS_UNSUPPORTED ? "unsupported" : "invalid", name, api_name,
                                 lua_tostring(L, -1));
    if (!oh_multi_submit(&client->multi, exchange))
        return luaL_error(L, "%s: libcurl could not take the request (out of memory or file descriptors)", name);
    lua_pushinteger(L, (lua_Integer)exchange->number);
    return 1;
}

/*** Checks a call's fields without sending anything.
@function check
@param client the client
@tparam string name of the operation
@param fields as for the operation; raises for the caller's mistakes
@tparam[opt] string api the dialect to check for; else every dialect that has the operation
@treturn[1] nil
@treturn[2] nil
@treturn[2] table error of kind `unsupported` or `invalid`, when one dialect was named and cannot take it */
static int l_check(lua_State *L)
{
    struct client *client = check_open(L);
    const char *name = luaL_checkstring(L, 2), *api = luaL_optstring(L, 4, NULL);
    const struct oh_operation *operation;
    enum oh_arguments_result read;
    size_t i;

    for (i = 0; (operation = oh_operation_at(i)) != NULL; i++) {
        if (strcmp(operation->name, name) != 0 || (api != NULL && strcmp(oh_api_name(operation->api), api) != 0))
            continue;
        lua_settop(L, 4);
        read = oh_arguments_read(L, lua_upvalueindex(1), operation, 3, prepare(L, client, operation, 0));
        if (read != OH_ARGUMENTS_GOOD && api != NULL)
            return oh_report_refusal(L, read == OH_ARGUMENTS_UNSUPPORTED ? "unsupported" : "invalid", name, api,
                                     lua_tostring(L, -1));
    }
    return 0;
}

/*** Moves all exchanges on.
@function step
@tparam[opt=0] number seconds to wait at most; one call never waits above 0.1, so that signals are seen */
static int l_step(lua_State *L)
{
    struct client *client = check_open(L);
    double seconds = luaL_optnumber(L, 2, 0);

    oh_multi_step(&client->multi, seconds > 0 ? seconds : 0);
    return 0;
}

/*** Takes the oldest finished exchange.
@function next
@treturn[1] number
@return[1] the decoded answer
@treturn[2] number
@treturn[2] nil
@treturn[2] table error, without a metatable
@treturn[3] nil when none has finished */
static int l_next(lua_State *L)
{
    struct client *client = check_open(L);
    struct oh_exchange *exchange = oh_multi_done(&client->multi);
    const char *key;
    int pushed;

    if (exchange == NULL)
        return 0;
    lua_settop(L, 1);
    luaL_checkstack(L, 16, "next");
    key = exchange->api_key != NULL ? exchange->api_key : client->origin.api_key;
    lua_pushinteger(L, (lua_Integer)exchange->number);
    pushed = oh_report(L, lua_upvalueindex(1), exchange, key);
    oh_multi_release(&client->multi, exchange); /* last: until here a memory error would lose nothing */
    return pushed + 1;
}

static uint64_t check_number(lua_State *L)
{
    lua_Number number = luaL_checknumber(L, 2);

    luaL_argcheck(L, number >= 1 && number <= 9007199254740992.0, 2, "not the number of an exchange");
    return (uint64_t)number;
}

/*** Ends an exchange at once; `next` will give it with an error of kind `cancelled`.
@function cancel
@tparam number number
@treturn boolean whether it was still in flight */
static int l_cancel(lua_State *L)
{
    struct client *client = check_open(L);

    lua_pushboolean(L, oh_multi_cancel(&client->multi, check_number(L)));
    return 1;
}

/*** The one descriptor to poll for the whole client (cqueues' pollable protocol, with `events` and `timeout`).
@function pollfd
@treturn number|nil nil where the system has no such thing: call `step` from a timer instead */
static int l_pollfd(lua_State *L)
{
    int descriptor = oh_multi_descriptor(&check_open(L)->multi);

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
    (void)check_open(L);
    lua_pushliteral(L, "r");
    return 1;
}

/*** @function timeout
@treturn number|nil seconds until `step` is due although the descriptor stays quiet */
static int l_timeout(lua_State *L)
{
    double seconds = oh_multi_timeout(&check_open(L)->multi);

    if (seconds < 0)
        lua_pushnil(L);
    else
        lua_pushnumber(L, seconds);
    return 1;
}

/*** @function in_flight
@treturn number exchanges that have not finished */
static int l_in_flight(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)check_open(L)->multi.flying_count);
    return 1;
}

/*** Masks the API key wherever it stands in a text.
@function redact
@tparam string text
@treturn string */
static int l_redact(lua_State *L)
{
    struct client *client = check_any(L);
    size_t length;
    const char *text = luaL_checklstring(L, 2, &length);
    char *copy;

    if (client->origin.api_key == NULL || length == 0) {
        lua_settop(L, 2);
        return 1;
    }
    copy = lua_newuserdata(L, length);
    memcpy(copy, text, length);
    oh_secret_mask(copy, length, client->origin.api_key);
    lua_pushlstring(L, copy, length);
    return 1;
}

/* ---- exchanges that Lua carries ------------------------------------------------------------------------------- */

static void set_buffer(lua_State *L, const char *name, const struct oh_buffer *buffer)
{
    lua_pushlstring(L, buffer->data != NULL ? buffer->data : "", buffer->length);
    lua_setfield(L, -2, name);
}

/*** The oldest exchange that an external carrier has not fetched yet.
@function outgoing
@treturn number|nil
@treturn table `method`, `path` (with the base URL's prefix), `query`, `body`, `headers` (by lower-case name; the
  API key is masked) */
static int l_outgoing(lua_State *L)
{
    struct client *client = check_open(L);
    struct oh_exchange *exchange = oh_multi_fetch(&client->multi);

    if (exchange == NULL)
        return 0;
    lua_pushinteger(L, (lua_Integer)exchange->number);
    lua_newtable(L);
    lua_pushstring(L, exchange->method);
    lua_setfield(L, -2, "method");
    lua_pushstring(L, client->origin.prefix);
    lua_pushlstring(L, exchange->path.data, exchange->path.length);
    lua_concat(L, 2);
    lua_setfield(L, -2, "path");
    set_buffer(L, "query", &exchange->query);
    set_buffer(L, "body", &exchange->body);
    lua_newtable(L);
    lua_pushliteral(L, "Bearer ********");
    lua_setfield(L, -2, "authorization");
    if (exchange->has_body) {
        lua_pushliteral(L, "application/json");
        lua_setfield(L, -2, "content-type");
    }
    lua_setfield(L, -2, "headers");
    return 2;
}

/*** Ends an exchange that an external carrier has fetched.
@function answer
@tparam number number
@tparam table answer `status` (number), `body` (string), `content_type`, `retry_after` (strings); or `transport`
  ("connect", "timeout", "tls", "cut") with `sent` (boolean, true by default) and `reason` (string)
@treturn boolean whether the number was waited for */
static int l_answer(lua_State *L)
{
    struct client *client = check_open(L);
    struct oh_exchange *exchange = oh_multi_find(&client->multi, check_number(L));
    bool taken;

    luaL_checktype(L, 3, LUA_TTABLE);
    if (exchange == NULL || !client->multi.external) {
        lua_pushboolean(L, 0);
        return 1;
    }
    taken = oh_report_fill(L, 3, exchange);
    if (!taken)
        return luaL_error(L, "not enough memory");
    oh_multi_finish(&client->multi, exchange);
    lua_pushboolean(L, 1);
    return 1;
}

/* ---- the module ----------------------------------------------------------------------------------------------- */

/*** @function uuid
@treturn string a random UUID */
static int l_uuid(lua_State *L)
{
    char uuid[OH_UUID_SIZE];

    if (!oh_identifier_uuid(uuid))
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

/*** @function version
@treturn string of this module
@treturn string of the libcurl in use */
static int l_version(lua_State *L)
{
    lua_pushliteral(L, OH_VERSION);
    lua_pushstring(L, oh_multi_library_version());
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
    oh_json_push_list_mark(L, lua_upvalueindex(1));
    lua_setmetatable(L, 1);
    return 1;
}

/*** The table of operations, for documentation and checks.
@function operations
@treturn table list of {name=, api=, method=, path=, once=, timeout= (seconds), fields={{name=, wire=, type=, required=}, …}} */
static int l_operations(lua_State *L)
{
    const struct oh_operation *operation;
    const struct oh_field *field;
    int i, j;

    lua_newtable(L);
    for (i = 0; (operation = oh_operation_at((size_t)i)) != NULL; i++) {
        lua_newtable(L);
        lua_pushstring(L, operation->name), lua_setfield(L, -2, "name");
        lua_pushstring(L, oh_api_name(operation->api)), lua_setfield(L, -2, "api");
        lua_pushstring(L, operation->method), lua_setfield(L, -2, "method");
        lua_pushstring(L, operation->path), lua_setfield(L, -2, "path");
        lua_pushboolean(L, operation->once), lua_setfield(L, -2, "once");
        lua_pushnumber(L, operation->timeout), lua_setfield(L, -2, "timeout");
        lua_newtable(L);
        for (field = operation->fields, j = 1; field->name != NULL; field++, j++) {
            lua_newtable(L);
            lua_pushstring(L, field->name), lua_setfield(L, -2, "name");
            lua_pushstring(L, field->wire), lua_setfield(L, -2, "wire");
            lua_pushstring(L, oh_type_name(field->type)), lua_setfield(L, -2, "type");
            lua_pushboolean(L, field->required), lua_setfield(L, -2, "required");
            lua_rawseti(L, -2, j);
        }
        lua_setfield(L, -2, "fields");
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* A resolver thread may outlive the Lua state: its code must stay mapped. */
static void pin(void)
{
    static const char here;
    Dl_info module;

    if (dladdr(&here, &module) != 0 && module.dli_fname != NULL)
        (void)dlopen(module.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

static const luaL_Reg methods[] = {
    {"step", l_step},         {"next", l_next},           {"cancel", l_cancel}, {"pollfd", l_pollfd},
    {"events", l_events},     {"timeout", l_timeout},     {"close", l_close},   {"redact", l_redact},
    {"outgoing", l_outgoing}, {"answer", l_answer},       {"check", l_check},   {"in_flight", l_in_flight},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", l_close}, {"__close", l_close}, {"__tostring", l_tostring}, {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"new", l_new},         {"uuid", l_uuid},   {"monotonic", l_monotonic},
    {"version", l_version}, {"array", l_array}, {"operations", l_operations},
    {NULL, NULL},
};

__attribute__((visibility("default"))) int luaopen_openhands_core(lua_State *L);

int luaopen_openhands_core(lua_State *L)
{
    const struct oh_operation *operation;
    int shared, module;
    size_t i;

    if (!oh_multi_library())
        return luaL_error(L, "libcurl could not be initialised");
    pin();
    lua_settop(L, 0);
    oh_json_open(L);
    shared = lua_gettop(L);
    if (luaL_newmetatable(L, CLIENT)) {
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
    for (i = 0; (operation = oh_operation_at(i)) != NULL; i++) {
        lua_pushvalue(L, shared);
        lua_pushstring(L, operation->name);
        lua_pushcclosure(L, l_operation, 2);
        lua_setfield(L, module, operation->name);
    }
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, module, "null");
    return 1;
}
