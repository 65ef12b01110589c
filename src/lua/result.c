/* The result of an exchange as Lua gets it. Error tables get their message later, from the Lua modules. */
#include "lua/result.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lua/json_decode.h"
#include "lua/long_answer.h"
#include "lua/redact_values.h"
#include "wire/error_kind.h"
#include "wire/json_stream.h"
#include "wire/operations.h"

#define LONGEST_RAW_DETAIL 200 /* bytes of an answer that is not JSON */
#define LONGEST_REASON 500     /* bytes of a reason from outside, e.g. libcurl's */
#define SEARCHED_AT_ONCE 262144 /* bytes of a long answer between two looks at the clock */
#define MOST_TAKEN (4 * 1024 * 1024) /* bytes of memory for the elements of a stream: the caller takes all at once */

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

static void set_redacted(lua_State *L, const char *name, const struct oh_secrets *secrets, const char *text)
{
    if (text[0] != '\0') {
        oh_redact_values_push_text(L, secrets, text, strlen(text), OH_REDACT_LINE, LONGEST_REASON);
        lua_setfield(L, -2, name);
    }
}

/* Searches a body that is not decoded for session keys: the program may use them, no text may show them. Decoding finds
   them by itself. Returns false if there is more to search at the monotonic time `until`. */
static bool search_secrets(lua_State *L, struct oh_exchange *exchange, struct oh_secrets *secrets, double until)
{
    const struct oh_response *response = &exchange->response;

    while (exchange->searched < response->length) {
        size_t from = exchange->searched, left = response->length - from;
        size_t to = from + (left < SEARCHED_AT_ONCE ? left : SEARCHED_AT_ONCE);
        if (!oh_secrets_learn_from_text(secrets, response->body, response->length, from, to))
            luaL_error(L, "not enough memory");
        exchange->searched = to;
        if (to < response->length && oh_monotonic() >= until)
            return false;
    }
    return true;
}

/* Decodes the body, a long one until the monotonic time `until`. */
static enum oh_json_scan_result decode(lua_State *L, struct oh_exchange *exchange, struct oh_secrets *secrets,
                                       double until)
{
    const struct oh_response *response = &exchange->response;
    size_t memory = exchange->most_memory;

    if (oh_is_long_answer(exchange))
        return oh_long_answer_read(L, exchange, until);
    return oh_json_decode(L, response->body, response->length, &memory, secrets);
}

/* Pushes the decoded body of an error status; otherwise, or if it is not JSON, the beginning of its text; nil if there
   is none. Redacted. Pushes nothing and returns false if there is more to read at the monotonic time `until`. */
static bool push_detail(lua_State *L, struct oh_exchange *exchange, struct oh_secrets *secrets, double until)
{
    const struct oh_response *response = &exchange->response;
    enum oh_json_scan_result result = OH_SCAN_MALFORMED;

    if (response->length == 0) {
        lua_pushnil(L);
        return true;
    }
    if (response->result == OH_RESULT_ANSWERED && (response->status < 200 || response->status > 299))
        result = decode(L, exchange, secrets, until);
    if (result == OH_SCAN_PAUSED || (result != OH_SCAN_WHOLE && !search_secrets(L, exchange, secrets, until)))
        return false;
    if (result == OH_SCAN_WHOLE) {
        oh_redact_values_push(L, secrets, lua_gettop(L));
        lua_remove(L, -2);
    } else {
        oh_redact_values_push_text(L, secrets, response->body, response->length, OH_REDACT_LINE, LONGEST_RAW_DETAIL);
    }
    return true;
}

/* Returns the known effect of the exchange on the service. */
static const char *effect_of(const struct oh_response *response, const struct oh_error *error)
{
    if (!response->sent)
        return "none";
    if (error->refused)
        return "refused";
    if (response->result == OH_RESULT_ANSWERED && response->status >= 200 && response->status <= 299 &&
        !oh_response_is_html(response))
        return "done";
    return "unknown";
}

/* Pushes the error. The detail is on top of the stack, and stays there. */
static void push_error(lua_State *L, const struct oh_exchange *exchange, const struct oh_error *error,
                       const struct oh_secrets *secrets)
{
    const struct oh_operation *operation = exchange->operation;
    const struct oh_response *response = &exchange->response;

    lua_newtable(L);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "detail");
    set_text(L, "kind", oh_error_kind_name(error->kind));
    set_text(L, "operation", operation->name);
    set_text(L, "api", oh_api_name(operation->api));
    set_redacted(L, "reason", secrets, response->reason);
    set_redacted(L, "redirect_host", secrets, response->redirect_host);
    set_boolean(L, "retryable", error->retryable);
    set_text(L, "effect", effect_of(response, error));
    if (exchange->server != NULL)
        set_redacted(L, "server", secrets, exchange->server->text);
    if (response->status > 0) {
        lua_pushinteger(L, (lua_Integer)response->status);
        lua_setfield(L, -2, "status");
    }
    if (error->retry_after >= 0) {
        lua_pushnumber(L, error->retry_after);
        lua_setfield(L, -2, "retry_after");
    }
    if (response->result == OH_RESULT_CUT)
        set_text(L, "cut", response->is_unmarked ? "perhaps" : "early");
    if (response->result == OH_RESULT_PROXY)
        set_boolean(L, "proxy", true);
    if (response->length > 0 && oh_response_is_html(response))
        set_boolean(L, "page", true);
}

int oh_result_push_refusal(lua_State *L, const char *kind, const char *operation, const char *api, const char *reason)
{
    lua_pushnil(L);
    lua_newtable(L);
    set_text(L, "kind", kind);
    set_text(L, "operation", operation);
    set_text(L, "api", api);
    set_text(L, "reason", reason);
    set_boolean(L, "retryable", false);
    set_text(L, "effect", "none");
    return 2;
}

/* ---- values --------------------------------------------------------------------------------------------------- */

/* Returns the first byte that is not white space, NUL if there is none. */
static char first_byte(const struct oh_response *response)
{
    size_t i = 0;

    while (i < response->length &&
           (response->body[i] == ' ' || (response->body[i] >= '\t' && response->body[i] <= '\r')))
        i++;
    if (i == response->length)
        return '\0';
    if (response->body[i] == '\0') /* a NUL byte is not an empty body */
        return '?';
    return response->body[i];
}

/* Returns whether each item of a batch is an object, or null, which stands for an id that the service does not know. An
   item that is an empty list passes, too: once decoded, it looks like an empty object. */
static bool items_good(lua_State *L)
{
    size_t i, length = oh_rawlen(L, -1);
    bool good = true;

    for (i = 1; i <= length && good; i++) {
        lua_rawgeti(L, -1, (int)i);
        good = (lua_istable(L, -1) && oh_rawlen(L, -1) == 0) || lua_islightuserdata(L, -1);
        lua_pop(L, 1);
    }
    return good;
}

static bool texts_good(lua_State *L)
{
    size_t i, length = oh_rawlen(L, -1);
    bool good = true;

    for (i = 1; i <= length && good; i++) {
        lua_rawgeti(L, -1, (int)i);
        good = lua_type(L, -1) == LUA_TSTRING;
        lua_pop(L, 1);
    }
    return good;
}

/* Returns whether the value is a number without a fraction, as count operations answer. */
static bool is_whole(lua_State *L)
{
    lua_Number number = lua_tonumber(L, -1);

    return lua_type(L, -1) == LUA_TNUMBER && number >= -OH_LARGEST_EXACT && number <= OH_LARGEST_EXACT &&
           number == (lua_Number)(long long)number;
}

/* Pushes the value of an empty answer if the operation allows one, and returns whether it did: some releases of the
   service answer 204 or an empty 200, others send an object. `first`: what first_byte returned, or NUL for null. */
static bool push_empty_answer(lua_State *L, const struct oh_operation *operation, char first)
{
    if (first != '\0')
        return false;
    if (operation->shape == OH_SHAPE_DONE)
        lua_newtable(L);
    else if (operation->shape == OH_SHAPE_DONE_TRUE)
        lua_pushboolean(L, true);
    else if (operation->shape == OH_SHAPE_ANY && operation->effect != OH_READS)
        lua_pushliteral(L, "");
    else
        return false;
    return true;
}

/* Returns whether the decoded value on top of the stack, whose text begins with `first`, has the shape. */
static bool has_shape(lua_State *L, enum oh_shape shape, char first)
{
    switch (shape) {
    case OH_SHAPE_OBJECT:
    case OH_SHAPE_DONE:
    case OH_SHAPE_PAGE: return first == '{';
    case OH_SHAPE_OBJECT_OR_NULL: return first == '{' || first == 'n';
    case OH_SHAPE_STREAM:
    case OH_SHAPE_LIST: return first == '[' && items_good(L);
    case OH_SHAPE_TEXTS: return first == '[' && texts_good(L);
    case OH_SHAPE_INTEGER: return is_whole(L);
    case OH_SHAPE_DONE_TRUE: return lua_isboolean(L, -1);
    case OH_SHAPE_TEXT: return lua_type(L, -1) == LUA_TSTRING;
    case OH_SHAPE_ANY:
    case OH_SHAPE_BYTES:
    case OH_SHAPE_FILE: return true;
    }
    return false;
}

/* Returns whether the answer is an HTML page. A body that may be any bytes can begin like HTML: then only the content
   type decides. */
static bool is_html(const struct oh_operation *operation, const struct oh_response *response)
{
    struct oh_response unread = *response;

    if (operation->shape == OH_SHAPE_BYTES || (operation->shape == OH_SHAPE_ANY && !oh_response_is_json(response)))
        unread.length = 0;
    return oh_response_is_html(&unread);
}

static void push_file(lua_State *L, const struct oh_download *download)
{
    lua_newtable(L);
    set_text(L, "path", download->path);
    oh_pushwhole(L, download->written);
    lua_setfield(L, -2, "bytes");
}

/* Sets the error of an answer that is too deep, too costly in memory, or too slow to decode. */
static void refuse_scan(struct oh_exchange *exchange, enum oh_json_scan_result result, struct oh_error *error)
{
    char *reason = exchange->response.reason;
    size_t capacity = sizeof exchange->response.reason;

    if (result == OH_SCAN_DEEP)
        snprintf(reason, capacity, "it is nested more than %d levels deep", OH_SCAN_DEEPEST);
    else if (result == OH_SCAN_COLLIDING)
        snprintf(reason, capacity, "too many of its strings collide in this Lua's hash tables");
    else
        snprintf(reason, capacity, "its values would take more than %lu bytes of memory (max_memory)",
                 (unsigned long)exchange->most_memory);
    error->kind = OH_ERROR_TOO_LARGE;
}

/* Pushes the value of the body if it has the operation's shape; otherwise pushes nothing and sets the error. Pushes
   nothing and sets no error if there is more to read at the monotonic time `until`. */
static bool push_value(lua_State *L, struct oh_exchange *exchange, struct oh_secrets *secrets, double until,
                       struct oh_error *error)
{
    const struct oh_operation *operation = exchange->operation;
    const struct oh_response *response = &exchange->response;
    const char first = first_byte(response);
    enum oh_json_scan_result result;
    bool is_null;

    if (is_html(operation, response)) {
        oh_error_set_unreadable(error);
        return false;
    }
    if (operation->shape == OH_SHAPE_FILE) {
        push_file(L, exchange->download);
        return true;
    }
    if (operation->shape == OH_SHAPE_BYTES || (operation->shape == OH_SHAPE_ANY && !oh_response_is_json(response))) {
        if (operation->shape == OH_SHAPE_ANY && !search_secrets(L, exchange, secrets, until))
            return false;
        lua_pushlstring(L, response->length > 0 ? response->body : "", response->length);
        return true;
    }
    if (push_empty_answer(L, operation, first))
        return true;
    result = decode(L, exchange, secrets, until);
    if (result == OH_SCAN_PAUSED)
        return false;
    if (result == OH_SCAN_WHOLE) {
        if (has_shape(L, operation->shape, first)) {
            if (exchange->undecoded) {
                lua_pushlstring(L, response->body, response->length);
                lua_replace(L, -2);
            }
            return true;
        }
        is_null = lua_islightuserdata(L, -1);
        lua_pop(L, 1);
        if (is_null && push_empty_answer(L, operation, '\0'))
            return true;
    }
    oh_error_set_unreadable(error);
    if (result == OH_SCAN_DEEP || result == OH_SCAN_COSTLY || result == OH_SCAN_COLLIDING)
        refuse_scan(exchange, result, error);
    else if (exchange->headers.body_is_compressed) /* libcurl does not notice when a compressed body is cut off */
        oh_exchange_note_compressed(exchange);
    return false;
}

/* Gives the file its final name if the answer is good. Returns false, with the error set, if that fails. */
static bool finish_download(struct oh_exchange *exchange, struct oh_error *error)
{
    if (exchange->download == NULL || oh_response_is_html(&exchange->response))
        return true;
    if (exchange->response.status == 200 && oh_download_finish(exchange->download))
        return true;
    if (exchange->response.status != 200) { /* e.g. 204 or 206: the body is not the whole file */
        oh_error_set_unreadable(error);
        return false;
    }
    error->kind = OH_ERROR_FILE;
    error->retryable = false;
    snprintf(exchange->response.reason, sizeof exchange->response.reason, "%s", strerror(exchange->download->error));
    return false;
}

int oh_result_push_element(lua_State *L, struct oh_exchange *exchange, struct oh_secrets *secrets)
{
    const struct oh_operation *operation = exchange->operation;
    struct oh_json_stream *stream = &exchange->stream;
    size_t most = exchange->most_memory < MOST_TAKEN ? exchange->most_memory : MOST_TAKEN;
    size_t memory = most - exchange->taken_memory;

    if (operation->shape != OH_SHAPE_STREAM || exchange->response.status < 200 || exchange->response.status > 299 ||
        !oh_json_stream_find(stream, exchange->received.data, exchange->received.length))
        return 0;
    if (oh_json_decode(L, exchange->received.data + stream->from, stream->to - stream->from, &memory, secrets) !=
        OH_SCAN_WHOLE) {
        oh_json_stream_stop(stream);
        return 0;
    }
    exchange->taken_memory = most - memory;
    oh_json_stream_advance(stream);
    return 1;
}

int oh_result_push(lua_State *L, struct oh_exchange *exchange, struct oh_secrets *secrets)
{
    const double until = oh_is_long_answer(exchange) ? oh_monotonic() + OH_LONG_ANSWER_SLICE : 0;
    struct oh_error error;

    if (exchange->searched > 0 && !search_secrets(L, exchange, secrets, until))
        return 0; /* a long body that could not be decoded: it is decoded again only when the search has ended */
    oh_error_classify(exchange->operation, &exchange->response, time(NULL), &error);
    if (error.kind == OH_ERROR_NONE && finish_download(exchange, &error)) {
        if (push_value(L, exchange, secrets, until, &error))
            return 1;
        if (error.kind == OH_ERROR_NONE)
            return 0;
    }
    if (!push_detail(L, exchange, secrets, until))
        return 0;
    push_error(L, exchange, &error, secrets);
    lua_pushnil(L);
    lua_replace(L, -3); /* the detail */
    return 2;
}
