/* Classifies the end of an exchange: the kind of error, whether a retry can help, whether the request was refused.
   Must not know Lua or libcurl. */
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
    bool retryable;     /* the same call may succeed later, and repeating it does no harm */
    bool refused;       /* the service responded and certainly did nothing */
    double retry_after; /* seconds that the service asks to wait; below 0: not stated */
};

/* Classifies an exchange by its result, status and headers; ignores the body. `now`: seconds since 1970, for dates in
   Retry-After. */
void oh_error_classify(const struct oh_operation *operation, const struct oh_response *response, time_t now,
                       struct oh_error *error);
/* Sets the error of a 2xx response whose body does not have the operation's shape. */
void oh_error_set_unreadable(struct oh_error *error);
/* Returns the name of the kind in Lua. */
const char *oh_error_kind_name(enum oh_error_kind kind);

#endif
