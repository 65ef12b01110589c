/* What an answer means. Must not know Lua or libcurl. Sources: the service answers 401 and 403 as JSON, 405 for a
   POST to a removed path, 408 and 5xx without saying whether it acted, and 429 before it acts; what stands in front of
   it answers 421 and 425 before anybody acts. */
#define _GNU_SOURCE /* timegm */
#include "wire/error_kind.h"

#include <string.h>

#include "wire/utf8.h"

#define LONGEST_WISH 1e9 /* seconds */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number of seconds. The standard has digits only, but signs, fractions and exponents are seen; in every locale. */
static bool decimal(const char *text, double *out)
{
    const char *at = text + (*text == '-');
    double value = 0, scale = 1;
    bool shrinks;
    int exponent = 0;

    if (!is_digit(*at))
        return false;
    for (; is_digit(*at); at++)
        value = value * 10 + (*at - '0');
    if (*at == '.')
        for (at++; is_digit(*at); at++)
            value += (*at - '0') * (scale /= 10);
    if ((*at == 'e' || *at == 'E') && is_digit(at[1 + (at[1] == '-' || at[1] == '+')])) {
        shrinks = at[1] == '-';
        for (at += 1 + (at[1] == '-' || at[1] == '+'); is_digit(*at); at++)
            exponent = exponent < 100 ? exponent * 10 + (*at - '0') : exponent;
        for (; exponent > 0; exponent--)
            value = shrinks ? value / 10 : value * 10;
    }
    *out = *text == '-' ? -value : value;
    return *at == '\0';
}

static int month_number(const char *name)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int i;

    for (i = 0; i < 12; i++)
        if (strncmp(months + 3 * i, name, 3) == 0)
            return i;
    return -1;
}

static int two_digits(const char *text)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return -1;
    return (text[0] - '0') * 10 + (text[1] - '0');
}

/* The one date form that HTTP still sends: "Sun, 06 Nov 1994 08:49:37 GMT". */
static bool http_date(const char *text, time_t *out)
{
    struct tm date;

    if (strlen(text) != 29 || strcmp(text + 25, " GMT") != 0 || strncmp(text + 3, ", ", 2) != 0)
        return false;
    memset(&date, 0, sizeof date);
    date.tm_mday = two_digits(text + 5);
    date.tm_mon = month_number(text + 8);
    date.tm_year = two_digits(text + 12) * 100 + two_digits(text + 14) - 1900;
    date.tm_hour = two_digits(text + 17);
    date.tm_min = two_digits(text + 20);
    date.tm_sec = two_digits(text + 23);
    if (date.tm_mday < 1 || date.tm_mon < 0 || date.tm_year < 70 || date.tm_hour < 0 || date.tm_min < 0 ||
        date.tm_sec < 0)
        return false;
    *out = timegm(&date);
    return *out != (time_t)-1;
}

double oh_headers_retry_after(const char *header, time_t now)
{
    double seconds;
    time_t date;

    header += strspn(header, " \t");
    if (http_date(header, &date))
        seconds = (double)date - (double)now;
    else if (decimal(header, &seconds))
        seconds = seconds > LONGEST_WISH ? LONGEST_WISH : seconds;
    else
        return -1;
    return seconds < 1 ? 1 : seconds; /* 0 and less are seen on the wire; they must not become a busy loop */
}

double oh_headers_date(const char *header)
{
    time_t date;

    return http_date(header, &date) ? (double)date : -1;
}

bool oh_response_is_html(const struct oh_response *response)
{
    return oh_ascii_same(response->content_type, "text/html", 9) || (response->length > 0 && response->body[0] == '<');
}

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
    case 421: return OH_ERROR_CONNECT; /* the connection led to a server that does not answer for this name */
    case 425: return OH_ERROR_SERVER;  /* not now, but it may do so soon */
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

/* A 4xx says that nothing was done, but for 408, which says nothing; a 3xx has not acted either, but for 303, which
   sends the client to look at the result. */
static bool status_refuses(long status)
{
    return (status >= 400 && status < 500 && status != 408) || (status >= 300 && status < 400 && status != 303);
}

void oh_error_classify(const struct oh_operation *operation, const struct oh_response *response, time_t now,
                      struct oh_error *error)
{
    bool passing;

    memset(error, 0, sizeof *error);
    error->retry_after = -1;
    if (response->result == OH_RESULT_ANSWERED) {
        error->kind = kind_of_status(response->status);
        error->refused = status_refuses(response->status);
        passing = error->kind == OH_ERROR_THROTTLED || error->kind == OH_ERROR_SERVER ||
                  error->kind == OH_ERROR_TIMEOUT || error->kind == OH_ERROR_CONNECT;
        if (passing && response->retry_after[0] != '\0')
            error->retry_after = oh_headers_retry_after(response->retry_after, now);
    } else {
        error->kind = kind_of_result(response->result);
        passing = response->result == OH_RESULT_CONNECT || error->kind == OH_ERROR_TIMEOUT ||
                  response->result == OH_RESULT_CUT;
    }
    error->retryable = passing && (operation->effect == OH_READS || error->refused || !response->sent);
}

void oh_error_set_unreadable(struct oh_error *error)
{
    error->kind = OH_ERROR_PROTOCOL;
    error->retryable = false;
    error->refused = false;
}

const char *oh_error_kind_name(enum oh_error_kind kind)
{
    static const char *const names[] = {"good",     "authentication", "permission", "not_found", "invalid",
                                        "conflict", "throttled",      "server",     "connect",   "timeout",
                                        "tls",      "protocol",       "cancelled",  "file",      "too_large",
                                        "memory"};

    return names[kind];
}
