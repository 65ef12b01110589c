/* A client: makes it, holds it while its exchanges are filled or read, and closes it. */
#include "lua/client.h"

#include <stddef.h>
#include <string.h>

#include "http/libcurl_setup.h"
#include "lua/argument_error.h"
#include "lua/long_answer.h"
#include "lua/options.h"
#include "lua/redact_values.h"
#include "wire/identifier.h"
#include "wire/secret_search.h"

#define DEFAULT_CONNECT_TIMEOUT 10.0

/* ---- who may use it ------------------------------------------------------------------------------------------- */

static struct oh_client *check_any(lua_State *L)
{
    return luaL_checkudata(L, 1, OH_CLIENT);
}

static bool is_inherited(const struct oh_client *client)
{
    return client->open && client->owner != oh_libcurl_generation() && !oh_multi_is_untouched(&client->multi);
}

struct oh_client *oh_client_check_usable(lua_State *L, struct oh_client *client)
{
    if (!client->open)
        luaL_error(L, "this client is closed");
    if (is_inherited(client))
        luaL_error(L, "this client belongs to another process: make one after the fork");
    if (client->busy || client->multi.is_stepping)
        luaL_error(L, "this client is busy: it cannot be used from a finalizer or a debug hook");
    client->owner = oh_libcurl_generation();
    return client;
}

struct oh_client *oh_client_check(lua_State *L)
{
    return oh_client_check_usable(L, check_any(L));
}

struct oh_client *oh_client_check_by(lua_State *L, int metatable)
{
    struct oh_client *client = lua_touserdata(L, 1);
    bool is_client = client != NULL && lua_getmetatable(L, 1);

    if (is_client) {
        is_client = lua_rawequal(L, -1, metatable);
        lua_pop(L, 1);
    }
    return oh_client_check_usable(L, is_client ? client : check_any(L));
}

/* Runs the function in upvalue 1 while the client is held. */
static int l_exclusive(lua_State *L)
{
    struct oh_client *client = oh_client_check_by(L, lua_upvalueindex(2));
    int status;

    luaL_checkstack(L, 2, "too many arguments");
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    client->busy = true;
    status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    client->busy = false;
    if (status != 0)
        return lua_error(L);
    return lua_gettop(L);
}

void oh_client_make_exclusive(lua_State *L)
{
    luaL_getmetatable(L, OH_CLIENT);
    lua_pushcclosure(L, l_exclusive, 2);
}

void oh_client_add_exclusive(lua_State *L, const luaL_Reg *functions, int shared)
{
    for (; functions->name != NULL; functions++) {
        lua_pushvalue(L, shared);
        lua_pushcclosure(L, functions->func, 1);
        oh_client_make_exclusive(L);
        lua_setfield(L, -2, functions->name);
    }
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

struct settings {
    struct oh_text base_url, api_key, session_api_key, organization, user_agent, ca_file, proxy;
    double timeout, connect_timeout;
    size_t max_body, max_memory, connections;
    bool external;
};

static const struct oh_option client_options[] = {
    {"base_url", OH_OPTION_TEXT, offsetof(struct settings, base_url)},
    {"api_key", OH_OPTION_TEXT, offsetof(struct settings, api_key)},
    {"session_api_key", OH_OPTION_TEXT, offsetof(struct settings, session_api_key)},
    {"organization", OH_OPTION_TEXT, offsetof(struct settings, organization)},
    {"user_agent", OH_OPTION_TEXT, offsetof(struct settings, user_agent)},
    {"ca_file", OH_OPTION_TEXT, offsetof(struct settings, ca_file)},
    {"proxy", OH_OPTION_FOREIGN, offsetof(struct settings, proxy)}, /* it may be empty */
    {"timeout", OH_OPTION_SECONDS, offsetof(struct settings, timeout)},
    {"connect_timeout", OH_OPTION_SECONDS, offsetof(struct settings, connect_timeout)},
    {"max_body", OH_OPTION_BYTES, offsetof(struct settings, max_body)},
    {"max_memory", OH_OPTION_BYTES, offsetof(struct settings, max_memory)},
    {"connections", OH_OPTION_COUNT, offsetof(struct settings, connections)},
    {"external", OH_OPTION_FLAG, offsetof(struct settings, external)},
    {NULL, OH_OPTION_TEXT, 0},
};

static void keep(lua_State *L, char **slot, const struct oh_text *text)
{
    if (text->bytes != NULL && !oh_secret_keep(slot, text->bytes, text->length))
        luaL_error(L, "not enough memory");
}

void oh_client_keep_credentials(lua_State *L, char **key_slot, const struct oh_text *key, char **organization_slot,
                                const struct oh_text *organization)
{
    const char *problem = key->bytes != NULL ? oh_secret_problem(key->bytes, key->length) : NULL;

    if (problem != NULL)
        oh_argument_error_raise(L, "api_key %s", problem);
    if (organization->bytes != NULL && !oh_identifier_is_valid(organization->bytes, organization->length))
        oh_argument_error_raise(L, "organization is not an id");
    keep(L, key_slot, key);
    keep(L, organization_slot, organization);
}

void oh_client_keep_secret(lua_State *L, struct oh_client *client, const char *secret)
{
    if (secret != NULL && !oh_secrets_add(&client->secrets, secret, strlen(secret)))
        luaL_error(L, "not enough memory");
}

static void check_header_text(lua_State *L, const char *name, const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            oh_argument_error_raise(L, "%s contains a byte that a header cannot contain", name);
}

static void set_origin(lua_State *L, struct oh_origin *origin, const struct settings *settings)
{
    const struct oh_text *session = &settings->session_api_key;
    const char *problem = session->bytes != NULL ? oh_secret_problem(session->bytes, session->length) : NULL;

    if (problem != NULL)
        oh_argument_error_raise(L, "session_api_key %s", problem);
    keep(L, &origin->session_api_key, session);
    oh_client_keep_credentials(L, &origin->api_key, &settings->api_key, &origin->organization, &settings->organization);
    check_header_text(L, "user_agent", settings->user_agent.bytes);
    keep(L, &origin->user_agent, &settings->user_agent);
    keep(L, &origin->ca_file, &settings->ca_file);
    problem = settings->proxy.length > 0 ? oh_origin_proxy_problem(settings->proxy.bytes) : NULL;
    if (settings->proxy.bytes != NULL && strlen(settings->proxy.bytes) != settings->proxy.length)
        problem = "contains a NUL byte";
    if (problem == oh_origin_no_memory)
        luaL_error(L, "not enough memory");
    if (problem != NULL)
        oh_argument_error_raise(L, "proxy %s", problem);
    keep(L, &origin->proxy, &settings->proxy);
    if (settings->base_url.bytes == NULL)
        oh_argument_error_raise(L, "base_url is missing");
    problem = oh_origin_open(origin, settings->base_url.bytes);
    if (problem == oh_origin_no_memory)
        luaL_error(L, "not enough memory");
    if (problem != NULL)
        oh_argument_error_raise(L, "base_url %s", problem);
    if (settings->proxy.length > 0 && !origin->secure)
        oh_argument_error_raise(L, "proxy cannot be used with an http base_url: the proxy would see the API key");
}

/* Adds the client's keys and proxy passwords to its secrets; also the passwords of the environment's proxies, because
   libcurl uses these. */
static void keep_secrets(lua_State *L, struct oh_client *client)
{
    const char *key = client->origin.api_key, *session = client->origin.session_api_key;
    const char *proxy = client->origin.proxy;
    bool kept = key == NULL || oh_secrets_add_lasting(&client->secrets, key, strlen(key));
    size_t i;

    kept = kept && (session == NULL || oh_secrets_add_lasting(&client->secrets, session, strlen(session)));
    kept = kept && (proxy == NULL || oh_secrets_add_proxy(&client->secrets, proxy));
    for (i = 0; kept && (proxy = oh_origin_environment_proxy(i)) != NULL; i++)
        kept = oh_secrets_add_proxy(&client->secrets, proxy);
    if (!kept)
        luaL_error(L, "not enough memory");
}

/*** Makes a client: one account on one service.
@function new
@tparam table options `base_url` (string, needed); `api_key`, `session_api_key` (of the service itself), `organization`,
  `user_agent`, `ca_file`, `proxy` (strings); `timeout` (seconds, by default each operation's own), `connect_timeout`
  (seconds, by default 10); `max_body` (bytes of an answer, by default 32 MiB), `max_memory` (bytes that its values may
  take, by default 8 times max_body and at least 1 MiB); `connections` (at most, for reads; by default 10, with an http
  base URL 100); `external` (boolean: exchanges are carried by Lua through `outgoing` and `answer`, not by libcurl)
@treturn userdata the client; raises argument errors */
static int l_new(lua_State *L)
{
    struct oh_client *client;
    struct settings settings;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    memset(&settings, 0, sizeof settings);
    settings.connect_timeout = DEFAULT_CONNECT_TIMEOUT;
    settings.max_body = OH_MOST_BODY;
    oh_options_read(L, 1, client_options, &settings);
    client = lua_newuserdata(L, sizeof *client);
    memset(client, 0, sizeof *client); /* closed until it is complete */
    oh_multi_init(&client->multi, &client->origin);
    client->owner = oh_libcurl_generation();
    oh_setmetatable(L, OH_CLIENT);
    client->timeout = settings.timeout;
    client->connect_timeout = settings.connect_timeout;
    client->max_memory = settings.max_memory;
    client->multi.most_sent = OH_MOST_BODY;
    client->multi.most_received = settings.max_body;
    client->multi.external = settings.external;
    client->multi.most_connections = settings.connections;
    set_origin(L, &client->origin, &settings);
    keep_secrets(L, client);
    client->open = true;
    return 1;
}

/*** Ends every exchange and frees everything. May be called again; also the finalizer. Raises only if it is called from
a finalizer or a hook that runs while the client is held.
@function close */
static int l_close(lua_State *L)
{
    struct oh_client *client = check_any(L);

    if (client->busy || client->multi.is_stepping)
        return luaL_error(L, "this client is busy: it cannot be closed from a finalizer or a debug hook");
    client->open = false;
    oh_long_answer_forget_all(L, client);
    if (client->owner == oh_libcurl_generation()) {
        oh_multi_close(&client->multi);
        oh_origin_close(&client->origin);
        oh_secrets_forget(&client->secrets);
    } else {
        /* A forked child leaks all of it on purpose: freeing it would write to the parent's connections. */
        oh_multi_abandon(&client->multi);
    }
    return 0;
}

static int l_tostring(lua_State *L)
{
    struct oh_client *client = check_any(L);

    if (!client->open)
        lua_pushliteral(L, "openhands.core (closed)");
    else
        lua_pushfstring(L, "openhands.core (%s, %d in flight)", client->origin.text,
                        (int)client->multi.unfinished_count);
    return 1;
}

/*** Returns whether the client cannot be used in this process because it was in use when this process was forked.
@function is_inherited
@treturn boolean also false for a closed client, and for one that had opened nothing yet: parent and child may both
  use that one */
static int l_is_inherited(lua_State *L)
{
    lua_pushboolean(L, is_inherited(check_any(L)));
    return 1;
}

/* Returns the secrets that the client at stack index 1 knows. A closed client has forgotten them, unless a
   forked child has closed a client of its parent: l_close leaks that one with all its memory. */
static const struct oh_secrets *secrets_of(lua_State *L)
{
    struct oh_client *client = check_any(L);

    if (client->open)
        (void)oh_client_check_usable(L, client);
    return &client->secrets;
}

/*** Redacts a value as core.redact does, and also removes the secrets that this client knows: its keys, the keys of the
conversations' servers that it has seen, and the passwords of its proxies. A closed client knows none, unless a
forked child has closed a client of its parent.
@function redact
@param value
@return a copy */
static int l_redact(lua_State *L)
{
    return oh_redact_values_redact(L, secrets_of(L), 2);
}

/*** Makes one line of a text as core.redact_line does, also without the secrets that this client knows (see `redact`).
@function redact_line
@tparam string text
@tparam[opt=1000] number most bytes of the line, 32 to 16384
@treturn string */
static int l_redact_line(lua_State *L)
{
    return oh_redact_values_line(L, secrets_of(L), 2);
}

/*** Returns whether a value from the service can be an id (see core.is_id), and contains no secret that this client
knows (see `redact`): an id is copied into messages and logs.
@function is_harmless_id
@param value
@treturn boolean */
static int l_is_harmless_id(lua_State *L)
{
    const struct oh_secrets *known = secrets_of(L);
    unsigned char marks[OH_LONGEST_IDENTIFIER] = {0};
    size_t length = 0;
    const char *id = lua_type(L, 2) == LUA_TSTRING ? lua_tolstring(L, 2, &length) : NULL;
    bool is_valid = id != NULL && oh_identifier_is_valid(id, length);

    if (is_valid)
        oh_secret_search(known, id, length, marks, NULL, NULL); /* an id has no escapes, and needs no memory for them */
    lua_pushboolean(L, is_valid && memchr(marks, 1, length) == NULL);
    return 1;
}

void oh_client_add_functions(lua_State *L)
{
    lua_pushcfunction(L, l_new);
    lua_setfield(L, -2, "new");
}

void oh_client_add_methods(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"close", l_close},   {"is_inherited", l_is_inherited},
        {"redact", l_redact}, {"redact_line", l_redact_line},
        {"is_harmless_id", l_is_harmless_id}, {NULL, NULL},
    };

    oh_setfuncs(L, methods, 0);
}

void oh_client_add_metamethods(lua_State *L)
{
    static const luaL_Reg metamethods[] = {
        {"__gc", l_close}, {"__close", l_close}, {"__tostring", l_tostring}, {NULL, NULL},
    };

    oh_setfuncs(L, metamethods, 0);
}
