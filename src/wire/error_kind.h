/* What an answer means: the kind of error, whether it may be retried, whether anything can have happened. Pure C. */
#ifndef OH_ERROR_KIND_H
#define OH_ERROR_KIND_H

#include <stdbool.h>
#include <time.h>

#include "wire/response.h"
#include "wire/operations.h"

enum oh_error_kind {
    OH_ERROR_NONE,
    OH_ERROR_AUTHENTICATION,
    OH_ERROR_PERMISSION,
    OH_ERROR_NOT_FOUND,
    OH_ERROR_INVALID,
    OH_ERROR_CONFLICT,
    OH_ERROR_THROTTLED,
    OH_ERROR_SERVER,
    OH_ERROR_CONNECT,
    OH_ERROR_TIMEOUT,
    OH_ERROR_TLS,
    OH_ERROR_PROTOCOL,
    OH_ERROR_CANCELLED,
    OH_ERROR_FILE,
    OH_ERROR_TOO_LARGE,
    OH_ERROR_MEMORY
};

struct oh_error {
    enum oh_error_kind kind;
    bool retryable;     /* the same call may succeed later without harm */
    bool refused;       /* the service answered and certainly did nothing */
    double retry_after; /* seconds the service asks to wait; below 0: it does not say */
};

/* Judges everything but the body of a 2xx answer; `now` is the wall clock, for Retry-After dates. */
void oh_error_classify(const struct oh_operation *operation, const struct oh_response *response, time_t now,
                      struct oh_error *error);
/* An answer with a good status whose body cannot be what the operation answers. */
void oh_error_set_unreadable(struct oh_error *error);
const char *oh_error_kind_name(enum oh_error_kind kind);
/* Seconds that a Retry-After header asks for, at least 1; below 0 if it cannot be understood. */
double oh_headers_retry_after(const char *header, time_t now);
/* Seconds since 1970 of a Date header; below 0 if it cannot be understood. */
double oh_headers_date(const char *header);
/* True for content types that a web page has: the service answers unknown paths with 200 and a page. */
bool oh_response_is_html(const struct oh_response *response);

#endif
