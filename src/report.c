/* From a finished exchange to what Lua gets. Error tables are plain here: errors.lua gives them their words. */
#include "report.h"

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
    oh_secret_mask(exchange->answer.redirect_host, strlen(exchange->answer.redirect_host), api_key);
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
        if (!bad_status || !oh_json_read(L, shared, exchange->received.data, answer->length))
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

    while (i < answer->length && (answer->body[i] == ' ' || (answer->body[i] >= '\t' && answer->body[i] <= '\r')))
        i++;
    if (i == answer->length)
        return '\0';
    return answer->body[i];
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
static bool push_value(lua_State *L, int shared, struct oh_exchange *exchange)
{
    const struct oh_operation *operation = exchange->operation;
    const struct oh_answer *answer = &exchange->answer;
    char first = first_byte(answer);
    bool good;

    if (oh_outcome_is_page(answer) || !oh_json_read(L, shared, exchange->received.data, answer->length))
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
        if (push_value(L, shared, exchange))
            return 1;
        oh_outcome_unreadable(&outcome);
    }
    lua_pushnil(L);
    push_error(L, shared, exchange, &outcome, api_key);
    return 2;
}
