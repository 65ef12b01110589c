/* Classifies the end of an exchange. Must not know Lua or libcurl.
   Known behaviour of the service: it sends 401 and 403 as JSON, and 405 for a POST to a removed path; 408 and 5xx do
   not tell whether the request was processed; 429 means that it was not, except that an agent server (since 1.58 at the
   latest) keeps the message of a `send` that it answers with 429. Proxies send 421 and 425 before anything is
   processed. Kinds that depend on the body (a 429 may be `limit` or `quota`) are decided in
   lua/openhands/request/errors.lua. */
#include "wire/error_kind.h"

#include <string.h>

#include "wire/headers.h"

static enum oh_error_kind kind_of_status(long status)
{
    if (status >= 200 && status < 300)
        return OH_ERROR_NONE;
    if (status >= 500 && status < 600)
        return OH_ERROR_SERVER;
    switch (status) {
    case 400: case 413: case 414: case 415: case 422: return OH_ERROR_INVALID;
    case 401: return OH_ERROR_AUTHENTICATION;
    case 402: case 403: return OH_ERROR_PERMISSION;
    case 404: case 410: return OH_ERROR_NOT_FOUND;
    case 408: return OH_ERROR_TIMEOUT;
    case 409: return OH_ERROR_CONFLICT;
    case 421: return OH_ERROR_CONNECT; /* the server at this connection is not responsible for this host name */
    case 425: return OH_ERROR_SERVER;  /* too early: may succeed soon */
    case 429: return OH_ERROR_THROTTLED;
    }
    return status >= 400 && status < 500 && status != 405 ? OH_ERROR_INVALID : OH_ERROR_PROTOCOL;
}

static enum oh_error_kind kind_of_result(enum oh_result result)
{
    switch (result) {
    case OH_RESULT_PROXY:
    case OH_RESULT_CONNECT: return OH_ERROR_CONNECT;
    case OH_RESULT_TIMEOUT: return OH_ERROR_TIMEOUT;
    case OH_RESULT_TLS: return OH_ERROR_TLS;
    case OH_RESULT_CANCELLED: return OH_ERROR_CANCELLED;
    case OH_RESULT_FILE: return OH_ERROR_FILE;
    case OH_RESULT_TOO_LARGE: return OH_ERROR_TOO_LARGE;
    case OH_RESULT_MEMORY: return OH_ERROR_MEMORY;
    case OH_RESULT_ANSWERED:
    case OH_RESULT_FORBIDDEN:
    case OH_RESULT_CUT:
    case OH_RESULT_GARBLED: break;
    }
    return OH_ERROR_PROTOCOL;
}

/* Returns whether the status means that the request was not processed: a 4xx except 408, which does not tell, or a 3xx
   except 303, which points to the result. With 429 an agent server keeps the message of a `send`. */
static bool status_refuses(const struct oh_operation *operation, long status)
{
    if (status == 429 && operation->api == OH_API_AGENT && strcmp(operation->name, "send") == 0)
        return false;
    return (status >= 400 && status < 500 && status != 408) || (status >= 300 && status < 400 && status != 303);
}

void oh_error_classify(const struct oh_operation *operation, const struct oh_response *response, time_t now,
                      struct oh_error *error)
{
    bool is_transient;

    memset(error, 0, sizeof *error);
    error->retry_after = -1;
    if (response->result == OH_RESULT_ANSWERED) {
        error->kind = kind_of_status(response->status);
        error->refused = status_refuses(operation, response->status);
        is_transient = error->kind == OH_ERROR_THROTTLED || error->kind == OH_ERROR_SERVER ||
                       error->kind == OH_ERROR_TIMEOUT || error->kind == OH_ERROR_CONNECT;
        if (is_transient && response->retry_after[0] != '\0')
            error->retry_after = oh_headers_retry_after(response->retry_after, now);
    } else {
        error->kind = kind_of_result(response->result);
        is_transient = response->result == OH_RESULT_CONNECT || error->kind == OH_ERROR_TIMEOUT ||
                       response->result == OH_RESULT_CUT;
    }
    error->retryable = is_transient && (operation->effect == OH_READS || error->refused || !response->sent);
}

void oh_error_set_unreadable(struct oh_error *error)
{
    error->kind = OH_ERROR_PROTOCOL;
    error->retryable = false;
    error->refused = false;
}

const char *oh_error_kind_name(enum oh_error_kind kind)
{
    static const char *const names[] = {
        [OH_ERROR_NONE] = "none",
        [OH_ERROR_AUTHENTICATION] = "authentication",
        [OH_ERROR_PERMISSION] = "permission",
        [OH_ERROR_NOT_FOUND] = "not_found",
        [OH_ERROR_INVALID] = "invalid",
        [OH_ERROR_CONFLICT] = "conflict",
        [OH_ERROR_THROTTLED] = "throttled",
        [OH_ERROR_SERVER] = "server",
        [OH_ERROR_CONNECT] = "connect",
        [OH_ERROR_TIMEOUT] = "timeout",
        [OH_ERROR_TLS] = "tls",
        [OH_ERROR_PROTOCOL] = "protocol",
        [OH_ERROR_CANCELLED] = "cancelled",
        [OH_ERROR_FILE] = "file",
        [OH_ERROR_TOO_LARGE] = "too_large",
        [OH_ERROR_MEMORY] = "memory",
    };

    return names[kind];
}
