/* The external transport: Lua carries the exchanges instead of libcurl, for a service in the same process and for
   specs. */
#include "lua/external_transport.h"

#include <stdio.h>
#include <string.h>

#include "http/multi.h"
#include "lua/client.h"
#include "wire/response.h"

static void set_buffer(lua_State *L, const char *name, const struct oh_buffer *buffer)
{
    lua_pushlstring(L, buffer->data != NULL ? buffer->data : "", buffer->length);
    lua_setfield(L, -2, name);
}

static void push_headers(lua_State *L, const struct oh_exchange *exchange, const struct oh_origin *origin)
{
    bool to_service = !exchange->anonymous && exchange->server == NULL;

    lua_newtable(L);
    if (to_service && (exchange->api_key != NULL || origin->api_key != NULL)) {
        lua_pushliteral(L, "Bearer ********");
        lua_setfield(L, -2, "authorization");
    }
    if (to_service && origin->session_api_key != NULL) {
        lua_pushliteral(L, "********");
        lua_setfield(L, -2, "x-session-api-key");
    }
    if (exchange->session_api_key != NULL) { /* not masked: answers show it to the program anyway */
        lua_pushstring(L, exchange->session_api_key);
        lua_setfield(L, -2, "x-session-api-key");
    }
    if (exchange->request->content_type[0] != '\0') {
        lua_pushstring(L, exchange->request->content_type);
        lua_setfield(L, -2, "content-type");
    }
}

/*** Takes the oldest exchange that Lua has not fetched yet, to carry it.
@function outgoing
@treturn number|nil the exchange's number; nil: there is none
@treturn table|nil `method`, `path` (with the base URL's prefix), `query`, `body`, `headers` (by lower-case name; the
  client's own keys are masked, the session key of a conversation's server is not) */
static int l_outgoing(lua_State *L)
{
    struct oh_client *client = lua_touserdata(L, 1);
    struct oh_exchange *exchange = client->multi.outgoing.first;

    if (exchange == NULL || !client->multi.external)
        return 0;
    lua_pushinteger(L, (lua_Integer)exchange->number);
    lua_newtable(L);
    lua_pushstring(L, exchange->method);
    lua_setfield(L, -2, "method");
    lua_pushstring(L, exchange->server != NULL ? exchange->server->prefix : client->origin.prefix);
    lua_pushlstring(L, exchange->request->path.data, exchange->request->path.length);
    lua_concat(L, 2);
    lua_setfield(L, -2, "path");
    set_buffer(L, "query", &exchange->request->query);
    set_buffer(L, "body", &exchange->request->body);
    push_headers(L, exchange, &client->origin);
    lua_setfield(L, -2, "headers");
    oh_multi_fetch(&client->multi, exchange); /* last: an error before it loses nothing */
    return 2;
}

/* Copies a text of the answer at stack index 3; one that does not fit counts as absent, as with headers. */
static void copy_field(lua_State *L, const char *name, char *out, size_t capacity)
{
    size_t length = 0;
    const char *text;

    lua_pushstring(L, name);
    lua_rawget(L, 3);
    text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
    if (length >= capacity)
        length = 0;
    if (length > 0)
        memcpy(out, text, length);
    out[length] = '\0';
    lua_pop(L, 1);
}

static enum oh_result result_named(const char *name)
{
    static const struct {
        const char *name;
        enum oh_result result;
    } known[] = {
        {"", OH_RESULT_ANSWERED}, {"connect", OH_RESULT_CONNECT}, {"timeout", OH_RESULT_TIMEOUT},
        {"tls", OH_RESULT_TLS},   {"cut", OH_RESULT_CUT},
    };
    size_t i;

    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].result;
    return OH_RESULT_GARBLED;
}

static long status_field(lua_State *L)
{
    lua_Number status;

    lua_pushliteral(L, "status");
    lua_rawget(L, 3);
    status = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return status >= 100 && status <= 599 ? (long)status : 0;
}

static void note_failure(struct oh_exchange *exchange)
{
    struct oh_response *response = &exchange->response;

    if (exchange->out_of_memory) {
        response->result = OH_RESULT_MEMORY;
        memcpy(response->reason, "out of memory", sizeof "out of memory");
    } else if (exchange->body_overflow) {
        if (response->status < 200 || response->status > 299) /* an error status counts, however long its body is */
            return;
        response->result = OH_RESULT_TOO_LARGE;
        oh_exchange_note_overflow(exchange);
    } else {
        response->result = OH_RESULT_FILE;
        snprintf(response->reason, sizeof response->reason, "%s", strerror(exchange->download->error));
    }
}

/*** Ends an exchange that Lua has fetched.
@function answer
@tparam number number of the exchange
@tparam table answer `status` (number), `body` (string), `content_type`, `retry_after`, `date` (strings); or `transport`
  ("connect", "timeout", "tls", "cut") with `sent` (boolean, true by default) and `reason` (string)
@treturn boolean whether the exchange was in flight */
static int l_answer(lua_State *L)
{
    struct oh_client *client = lua_touserdata(L, 1);
    lua_Number number = luaL_checknumber(L, 2);
    struct oh_exchange *exchange;
    struct oh_response *response;
    char transport[16];
    size_t length = 0;
    const char *body;

    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    exchange = number >= 1 && number <= OH_LARGEST_EXACT ? oh_multi_find(&client->multi, (uint64_t)number) : NULL;
    if (exchange == NULL || !client->multi.external) {
        lua_pushboolean(L, 0);
        return 1;
    }
    response = &exchange->response;
    copy_field(L, "transport", transport, sizeof transport);
    copy_field(L, "reason", response->reason, sizeof response->reason);
    copy_field(L, "content_type", response->content_type, sizeof response->content_type);
    copy_field(L, "date", response->date, sizeof response->date);
    copy_field(L, "retry_after", response->retry_after, sizeof response->retry_after);
    response->status = status_field(L);
    response->result = result_named(transport);
    if (response->result == OH_RESULT_ANSWERED && response->status == 0)
        response->result = OH_RESULT_GARBLED;
    lua_pushliteral(L, "sent");
    lua_rawget(L, 3);
    response->sent = lua_isnil(L, -1) || lua_toboolean(L, -1);
    lua_pushliteral(L, "body");
    lua_rawget(L, 3);
    body = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : "";
    lua_pushboolean(L, 1); /* before the exchange ends: from here on nothing may throw */
    if (!oh_exchange_receive(exchange, response->status, body, length))
        note_failure(exchange);
    response->body = exchange->received.data;
    response->length = exchange->received.length;
    oh_multi_finish(&client->multi, exchange);
    oh_multi_arm(&client->multi);
    return 1;
}

void oh_external_transport_add_methods(lua_State *L, int shared)
{
    static const luaL_Reg exclusive[] = {
        {"outgoing", l_outgoing}, {"answer", l_answer}, {NULL, NULL},
    };

    oh_client_add_exclusive(L, exclusive, shared);
}
