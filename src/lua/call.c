/* Submits calls: options and fields become an exchange in flight. The client owns the exchange before it is filled, so
   that an error leaks nothing. */
#include "lua/call.h"

#include <stdint.h>
#include <string.h>

#include "lua/argument_error.h"
#include "lua/client.h"
#include "lua/free_request.h"
#include "lua/options.h"
#include "lua/prepared.h"
#include "lua/result.h"
#include "wire/operations.h"
#include "wire/secret.h"

#define MEMORY_PER_BYTE 8
#define LEAST_MEMORY (1024 * 1024)
#define LONGEST_BRIEF_QUERY 100 /* bytes: one id, or two */

struct call {
    struct oh_text api, api_key, organization, server, session_api_key, download;
    double timeout, connect_timeout;
    size_t max_body, max_memory;
    bool undecoded;
};

static const struct oh_option call_options[] = {
    {"api", OH_OPTION_TEXT, offsetof(struct call, api)},
    {"api_key", OH_OPTION_TEXT, offsetof(struct call, api_key)},
    {"organization", OH_OPTION_TEXT, offsetof(struct call, organization)},
    {"server", OH_OPTION_FOREIGN, offsetof(struct call, server)},
    {"session_api_key", OH_OPTION_FOREIGN, offsetof(struct call, session_api_key)},
    {"download", OH_OPTION_TEXT, offsetof(struct call, download)},
    {"timeout", OH_OPTION_SECONDS, offsetof(struct call, timeout)},
    {"connect_timeout", OH_OPTION_SECONDS, offsetof(struct call, connect_timeout)},
    {"max_body", OH_OPTION_BYTES, offsetof(struct call, max_body)},
    {"undecoded", OH_OPTION_FLAG, offsetof(struct call, undecoded)},
    {"max_memory", OH_OPTION_BYTES, offsetof(struct call, max_memory)},
    {NULL, OH_OPTION_TEXT, 0},
};

/* Reads the options at stack index 3. */
static void read_options(lua_State *L, const struct oh_client *client, const char *operation, struct call *call)
{
    if (!lua_istable(L, 3))
        oh_argument_error_raise(L, "%s: the options must be a table, not a %s", operation, luaL_typename(L, 3));
    memset(call, 0, sizeof *call);
    call->timeout = client->timeout;
    call->connect_timeout = client->connect_timeout;
    call->max_body = client->multi.most_received;
    call->max_memory = client->max_memory;
    oh_options_read(L, 3, call_options, call);
}

/* Returns the default of max_memory. Ordinary values take up to six times the bytes of the body. */
static size_t default_memory(size_t max_body)
{
    if (max_body < LEAST_MEMORY / MEMORY_PER_BYTE)
        return LEAST_MEMORY;
    return max_body < SIZE_MAX / MEMORY_PER_BYTE / 2 ? max_body * MEMORY_PER_BYTE : SIZE_MAX / 2;
}

/* Returns whether the answer must be JSON; otherwise it may be anything. */
static bool wants_json(const struct oh_operation *operation)
{
    return operation->shape != OH_SHAPE_BYTES && operation->shape != OH_SHAPE_FILE && operation->shape != OH_SHAPE_ANY;
}

/* Returns whether the answer is expected to fit into a packet or two: then compressing it would save nothing, and
   cost more than all else. A query with many ids asks for much. */
static bool is_brief(const struct oh_operation *operation, size_t query_length)
{
    if (operation->api == OH_API_AGENT || !wants_json(operation))
        return false;
    return operation->effect != OH_READS || operation->shape == OH_SHAPE_INTEGER ||
           (strcmp(operation->name, "status") == 0 && query_length <= LONGEST_BRIEF_QUERY);
}

/* Returns which kind of handle can serve the call: see oh_multi_prepare. */
static enum oh_plain plain_kind(const struct oh_operation *operation, const struct call *call)
{
    if (operation->host == OH_AT_PUBLIC || !wants_json(operation) || oh_operation_uses(operation, OH_IN_HEADER) ||
        call->api_key.bytes != NULL || call->organization.bytes != NULL || call->server.bytes != NULL)
        return OH_NOT_PLAIN;
    if (operation->effect == OH_READS)
        return strcmp(operation->method, "GET") == 0 ? OH_PLAIN_READ : OH_NOT_PLAIN;
    return strcmp(operation->method, "POST") == 0 && is_brief(operation, 0) ? OH_PLAIN_POST : OH_NOT_PLAIN;
}

/* Returns a new exchange, owned by the client, whose request is not filled yet. */
static struct oh_exchange *new_exchange(lua_State *L, struct oh_client *client, const struct oh_operation *operation,
                                        const struct call *call)
{
    struct oh_exchange *exchange = oh_multi_prepare(&client->multi, plain_kind(operation, call));

    if (exchange == NULL)
        luaL_error(L, "not enough memory");
    exchange->operation = operation;
    exchange->method = operation->method;
    exchange->is_sent_once = operation->effect != OH_READS;
    exchange->anonymous = operation->host == OH_AT_PUBLIC;
    exchange->accept = wants_json(operation) ? OH_ACCEPT_JSON : "*/*";
    exchange->timeout = call->timeout > 0 ? call->timeout : operation->timeout;
    exchange->connect_timeout = call->connect_timeout;
    exchange->received.limit = call->max_body;
    exchange->undecoded = call->undecoded;
    exchange->most_memory = call->max_memory > 0 ? call->max_memory : default_memory(call->max_body);
    oh_client_keep_credentials(L, &exchange->api_key, &call->api_key, &exchange->organization, &call->organization);
    return exchange;
}

/* ---- the server ----------------------------------------------------------------------------------------------- */

/* Sets the server, if it is not the service itself. The account's key goes to the service only, a session key only to
   the server that it was given with. Returns NULL, or why the server cannot be used: this is not an argument error,
   because its address comes from the service. */
static const char *choose_server(lua_State *L, struct oh_client *client, struct oh_exchange *exchange,
                                 const struct call *call)
{
    const struct oh_operation *operation = exchange->operation;
    const char *problem;

    if (call->server.bytes == NULL) {
        if (call->session_api_key.bytes != NULL)
            oh_argument_error_raise(L, "%s: session_api_key needs the server that it is for", operation->name);
        if (operation->api == OH_API_AGENT)
            oh_argument_error_raise(L, "%s: needs a server", operation->name);
        return NULL;
    }
    if (operation->host != OH_AT_RUNTIME)
        oh_argument_error_raise(L, "%s: is served by the service alone", operation->name);
    problem = call->session_api_key.bytes != NULL
                  ? oh_secret_problem(call->session_api_key.bytes, call->session_api_key.length)
                  : "is missing";
    if (problem != NULL) {
        lua_pushfstring(L, "the session key of the conversation's server cannot be used: it %s", problem);
        return lua_tostring(L, -1);
    }
    if (!oh_secret_keep(&exchange->session_api_key, call->session_api_key.bytes, call->session_api_key.length))
        luaL_error(L, "not enough memory");
    exchange->server = oh_origin_new_sibling(&client->origin);
    if (exchange->server == NULL)
        luaL_error(L, "not enough memory");
    problem = strlen(call->server.bytes) == call->server.length
                  ? oh_origin_open(exchange->server, call->server.bytes)
                  : "contains a NUL byte";
    if (problem == NULL && client->origin.secure && !exchange->server->secure)
        problem = "is not encrypted (http): only a service that uses http itself may name it";
    if (problem == NULL)
        problem = oh_address_scope_objection(oh_origin_scope(&client->origin), exchange->server->scope);
    if (problem != NULL) {
        if (problem == oh_origin_no_memory)
            luaL_error(L, "not enough memory");
        lua_pushfstring(L, "the address of the conversation's server %s", problem);
        return lua_tostring(L, -1);
    }
    return NULL;
}

/* Makes the file of a download. Returns NULL, or why it cannot be made. */
static const char *open_download(lua_State *L, struct oh_exchange *exchange, const struct call *call)
{
    const struct oh_operation *operation = exchange->operation;
    const char *name, *problem;

    if (operation->shape != OH_SHAPE_FILE) {
        if (call->download.bytes != NULL)
            oh_argument_error_raise(L, "%s: does not answer a file", operation->name);
        return NULL;
    }
    if (call->download.bytes == NULL)
        oh_argument_error_raise(L, "%s: needs the path of the file to make", operation->name);
    exchange->download = oh_download_new(call->download.bytes, call->download.length);
    if (exchange->download == NULL)
        luaL_error(L, "not enough memory");
    if (oh_download_open(exchange->download))
        return NULL;
    problem = oh_download_problem(exchange->download, &name);
    lua_pushfstring(L, "cannot make %s: %s", name, problem);
    return lua_tostring(L, -1);
}

static bool has_key(const struct oh_client *client, const struct oh_exchange *exchange)
{
    return exchange->anonymous || exchange->server != NULL || exchange->api_key != NULL ||
           client->origin.api_key != NULL || client->origin.session_api_key != NULL;
}

/* Frees the exchange, which will not be sent, and pushes nil and the error. */
static int refuse(lua_State *L, struct oh_client *client, const char *kind, const struct oh_operation *operation,
                  const char *reason)
{
    oh_multi_discard(&client->multi);
    return oh_result_push_refusal(L, kind, operation->name, oh_api_name(operation->api), reason);
}

/* Puts the exchange in flight and pushes its number. */
static int submit(lua_State *L, struct oh_client *client, struct oh_exchange *exchange)
{
    const struct oh_operation *operation = exchange->operation;

    if (!oh_multi_submit(&client->multi, exchange))
        return refuse(L, client, "connect", operation,
                      "libcurl could not take the request (out of memory or file descriptors)");
    lua_pushinteger(L, (lua_Integer)exchange->number);
    return 1;
}

/* ---- the request ---------------------------------------------------------------------------------------------- */

/* Sets the request of the exchange: a prepared one, or its own with the encoded fields at stack index 2. */
static enum oh_fields_verdict set_request(lua_State *L, struct oh_client *client, struct oh_exchange *exchange,
                                          const struct oh_prepared *prepared)
{
    const struct oh_operation *operation = exchange->operation;
    enum oh_fields_verdict verdict = OH_FIELDS_GOOD;
    const char *session_api_key;

    if (prepared != NULL) {
        oh_prepared_check(L, prepared, operation);
        oh_exchange_share_request(exchange, prepared->request);
    } else {
        if (oh_exchange_own_request(exchange, client->multi.most_sent) == NULL)
            luaL_error(L, "not enough memory");
        verdict = oh_prepared_encode(L, lua_upvalueindex(1), operation, 2, exchange->request);
    }
    session_api_key = exchange->request->session_api_key;
    if (session_api_key != NULL &&
        !oh_secret_keep(&exchange->session_api_key, session_api_key, strlen(session_api_key)))
        luaL_error(L, "not enough memory");
    return verdict;
}

static int send(lua_State *L, struct oh_client *client, const struct oh_operation *operation, const struct call *call)
{
    struct oh_exchange *exchange = new_exchange(L, client, operation, call);
    const char *problem = choose_server(L, client, exchange, call);
    enum oh_fields_verdict verdict;

    if (problem != NULL)
        return refuse(L, client, "protocol", operation, problem);
    if (!has_key(client, exchange))
        return oh_argument_error_raise(L, "%s: there is no api_key", operation->name);
    verdict = set_request(L, client, exchange, oh_prepared_at(L, 2));
    if (verdict != OH_FIELDS_GOOD)
        return refuse(L, client, oh_fields_kind(verdict), operation, lua_tostring(L, -1));
    exchange->is_brief = is_brief(operation, exchange->request->query.length);
    problem = open_download(L, exchange, call);
    if (problem != NULL)
        return refuse(L, client, "file", operation, problem);
    return submit(L, client, exchange);
}

/*** Submits one operation; `core.start`, `core.status`, … are this function, each with the name of its operation.
@function operation
@param client the client
@param fields a table of the row's fields, or the value of its first field alone; or a request that `prepare` made
@tparam table options `api` ("v0", "v1" or "agent", needed); `timeout`, `connect_timeout` (seconds); `max_body`,
  `max_memory` (bytes); `api_key`, `organization` for this exchange only; `server` (base URL of the conversation's own
  server, for operations that it serves); `session_api_key` (for that server; the account's key never goes there);
  `download` (path of the file to make, for operations that answer one); `undecoded` (the value is the answer's text)
@treturn[1] number the exchange's number, which `next` will name
@treturn[2] nil
@treturn[2] table error of kind `unsupported`, `invalid`, `file`, `protocol` or `connect`; nothing was sent. Raises
  argument errors. */
static int l_operation(lua_State *L)
{
    struct oh_client *client = lua_touserdata(L, 1);
    const char *name = lua_tostring(L, lua_upvalueindex(2));
    const struct oh_operation *operation;
    struct call call;
    enum oh_api api;

    lua_settop(L, 3);
    read_options(L, client, name, &call);
    if (call.api.bytes == NULL || !oh_api_from_name(call.api.bytes, &api))
        return oh_argument_error_raise(L, "%s: api must be \"v0\", \"v1\" or \"agent\"", name);
    operation = oh_operations_find(name, api);
    if (operation == NULL)
        return oh_result_push_refusal(L, "unsupported", name, oh_api_name(api), "this dialect has no such operation");
    return send(L, client, operation, &call);
}

/*** Submits a request that no operation describes.
@function request
@param client the client
@tparam table request `method` ("GET", "POST", "PUT", "PATCH", "DELETE"; by default "GET"), `path` (from "/" on, without
  query; percent-encoded here), `query` (table from name to text, whole number, boolean or a list of these), `body`
  (a value that JSON can hold); or a request that `prepare` made
@tparam table options as for an operation; `api` is not needed
@treturn number|nil as for an operation
@treturn table|nil */
static int l_request(lua_State *L)
{
    struct oh_client *client = lua_touserdata(L, 1);
    const struct oh_prepared *prepared = oh_prepared_at(L, 2);
    const struct oh_operation *operation;
    struct call call;

    lua_settop(L, 3);
    if (prepared == NULL && !lua_istable(L, 2))
        return oh_argument_error_raise(L, OH_FREE_REQUEST ": the request must be a table, not a %s",
                                       luaL_typename(L, 2));
    read_options(L, client, OH_FREE_REQUEST, &call);
    if (prepared == NULL)
        operation = oh_free_request_operation(L, 2, call.server.bytes != NULL);
    else
        operation = prepared->operation;
    if (!oh_free_request_describes(operation))
        return oh_argument_error_raise(L, OH_FREE_REQUEST ": this request was prepared for %s (%s)", operation->name,
                                       oh_api_name(operation->api));
    return send(L, client, operation, &call);
}

void oh_call_add_functions(lua_State *L, int shared)
{
    static const luaL_Reg exclusive[] = {
        {OH_FREE_REQUEST, l_request}, {NULL, NULL},
    };
    const struct oh_operation *operation;
    size_t i;

    oh_client_add_exclusive(L, exclusive, shared);
    for (i = 0; (operation = oh_operations_at(i)) != NULL; i++) {
        lua_pushvalue(L, shared);
        lua_pushstring(L, operation->name);
        lua_pushcclosure(L, l_operation, 2);
        oh_client_make_exclusive(L);
        lua_setfield(L, -2, operation->name);
    }
}
