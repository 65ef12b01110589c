/* From a finished exchange to what Lua gets. Error tables are plain here: errors.lua gives them their words. */
#include "report.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "operation.h"
#include "outcome.h"
#include "secret.h"

#define LONGEST_QUOTE 200 /* bytes of an answer that is not JSON */

static void set_text(lua_State *L, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        lua_pushstring(L, text);
        lua_setfield(L, -2, name);
    }
}

static void set_boolean(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

/* ---- errors --------------------------------------------------------------------------------------------------- */

/* Pushes the beginning of a body that is not JSON, in printable ASCII. */
static void push_quote(lua_State *L, const char *body, size_t length)
{
    char text[LONGEST_QUOTE + 1];
    size_t i, count = 0;

    for (i = 0; i < length && count < LONGEST_QUOTE; i++) {
        if (body[i] >= ' ' && body[i] <= '~')
            text[count++] = body[i];
        else if (count > 0 && text[count - 1] != ' ')
            text[count++] = ' ';
    }
    lua_pushlstring(L, text, count);
}

static void push_error(lua_State *L, int shared, struct oh_exchange *exchange, const struct oh_outcome *outcome,
                       const char *api_key)
{
    const struct oh_operation *operation = exchange->operation;
    const struct oh_answer *answer = &exchange->answer;
    bool bad_status = answer->transport == OH_TRANSPORT_ANSWERED && (answer->status < 200 || answer->status > 299);

    oh_secret_mask(exchange->received.data, exchange->received.length, api_key);
    oh_secret_mask(exchange->answer.reason, strlen(exchange->answer.reason), api_key);
    lua_newtable(L);
    set_text(L, "kind", oh_kind_name(outcome->kind));
    set_text(L, "operation", operation->name);
    set_text(L, "api", oh_api_name(operation->api));
    set_text(L, "reason", answer->reason);
    set_text(L, "redirect_host", answer->redirect_host);
    set_boolean(L, "retryable", outcome->retryable);
    set_boolean(L, "refused", outcome->refused);
    set_boolean(L, "sent", answer->sent);
    set_boolean(L, "answered", answer->transport == OH_TRANSPORT_ANSWERED);
    if (answer->status > 0) {
        lua_pushinteger(L, (lua_Integer)answer->status);
        lua_setfield(L, -2, "status");
    }
    if (outcome->retry_after >= 0) {
        lua_pushnumber(L, outcome->retry_after);
        lua_setfield(L, -2, "retry_after");
    }
    if (answer->length > 0 && oh_outcome_is_page(answer))
        set_boolean(L, "page", true);
    if (answer->length > 0) {
        if (!bad_status || !oh_json_read(L, shared, answer->body, answer->length))
            push_quote(L, answer->body, answer->length);
        lua_setfield(L, -2, "detail");
    }
}

int oh_report_refusal(lua_State *L, const char *kind, const char *operation, const char *api, const char *reason)
{
    lua_pushnil(L);
    lua_newtable(L);
    set_text(L, "kind", kind);
    set_text(L, "operation", operation);
    set_text(L, "api", api);
    set_text(L, "reason", reason);
    set_boolean(L, "retryable", false);
    set_boolean(L, "refused", true);
    set_boolean(L, "sent", false);
    return 2;
}

/* ---- values --------------------------------------------------------------------------------------------------- */

static char first_byte(const struct oh_answer *answer)
{
    size_t i = 0;

    while (i < answer->length && strchr(" \t\r\n", answer->body[i]) != NULL)
        i++;
    return i < answer->length ? answer->body[i] : '\0';
}

/* Items of a batch are objects, or null for ids that the service does not know. */
static bool items_good(lua_State *L)
{
    size_t i, length = oh_rawlen(L, -1);
    bool good = true;

    for (i = 1; i <= length && good; i++) {
        lua_rawgeti(L, -1, (int)i);
        good = lua_istable(L, -1) || lua_islightuserdata(L, -1);
        lua_pop(L, 1);
    }
    return good;
}

/* Pushes the decoded body if it is of the shape that the operation answers; else pushes nothing. */
static bool push_value(lua_State *L, int shared, const struct oh_operation *operation, const struct oh_answer *answer)
{
    char first = first_byte(answer);
    bool good;

    if (oh_outcome_is_page(answer) || !oh_json_read(L, shared, answer->body, answer->length))
        return false;
    switch (operation->shape) {
    case OH_SHAPE_OBJECT: good = first == '{'; break;
    case OH_SHAPE_OBJECT_OR_NULL: good = first == '{' || first == 'n'; break;
    case OH_SHAPE_LIST: good = first == '[' && items_good(L); break;
    default: good = false;
    }
    if (!good)
        lua_pop(L, 1);
    return good;
}

int oh_report(lua_State *L, int shared, struct oh_exchange *exchange, const char *api_key)
{
    struct oh_outcome outcome;

    oh_outcome_judge(exchange->operation, &exchange->answer, time(NULL), &outcome);
    if (outcome.kind == OH_GOOD) {
        if (push_value(L, shared, exchange->operation, &exchange->answer))
            return 1;
        oh_outcome_unreadable(&outcome);
    }
    lua_pushnil(L);
    push_error(L, shared, exchange, &outcome, api_key);
    return 2;
}

/* ---- answers that Lua carried --------------------------------------------------------------------------------- */

static void copy_field(lua_State *L, int index, const char *name, char *out, size_t room)
{
    lua_pushstring(L, name);
    lua_rawget(L, index);
    if (lua_type(L, -1) == LUA_TSTRING)
        snprintf(out, room, "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
}

static enum oh_transport transport_named(const char *name)
{
    static const struct {
        const char *name;
        enum oh_transport transport;
    } known[] = {{"", OH_TRANSPORT_ANSWERED},       {"connect", OH_TRANSPORT_CONNECT}, {"timeout", OH_TRANSPORT_TIMEOUT},
                 {"tls", OH_TRANSPORT_TLS},         {"cut", OH_TRANSPORT_CUT}};
    size_t i;

    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].transport;
    return OH_TRANSPORT_GARBLED;
}

bool oh_report_fill(lua_State *L, int index, struct oh_exchange *exchange)
{
    struct oh_answer *answer = &exchange->answer;
    enum oh_buffer_result result = OH_BUFFER_OK;
    char transport[16] = "";
    const char *body;
    size_t length;

    copy_field(L, index, "transport", transport, sizeof transport);
    copy_field(L, index, "reason", answer->reason, sizeof answer->reason);
    copy_field(L, index, "content_type", answer->content_type, sizeof answer->content_type);
    copy_field(L, index, "retry_after", answer->retry_after, sizeof answer->retry_after);
    answer->transport = transport_named(transport);
    lua_pushliteral(L, "status");
    lua_rawget(L, index);
    answer->status = (long)lua_tonumber(L, -1);
    lua_pushliteral(L, "sent");
    lua_rawget(L, index);
    answer->sent = lua_isnil(L, -1) || lua_toboolean(L, -1);
    lua_pushliteral(L, "body");
    lua_rawget(L, index);
    if (lua_type(L, -1) == LUA_TSTRING) {
        body = lua_tolstring(L, -1, &length);
        result = oh_buffer_append(&exchange->received, body, length);
    }
    if (result == OH_BUFFER_FULL)
        answer->transport = OH_TRANSPORT_TOO_LARGE;
    lua_pop(L, 3);
    answer->body = exchange->received.data;
    answer->length = exchange->received.length;
    return result != OH_BUFFER_MEMORY;
}
