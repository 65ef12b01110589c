/* What an answer means: the kind of error, whether it may be retried, whether anything can have happened. Pure C. */
#ifndef OH_OUTCOME_H
#define OH_OUTCOME_H

#include <stdbool.h>
#include <time.h>

#include "wire/response.h"
#include "wire/operations.h"

enum oh_kind {
    OH_GOOD,
    OH_AUTHENTICATION,
    OH_PERMISSION,
    OH_NOT_FOUND,
    OH_INVALID,
    OH_CONFLICT,
    OH_THROTTLED,
    OH_SERVER,
    OH_CONNECT,
    OH_TIMEOUT,
    OH_TLS,
    OH_PROTOCOL,
    OH_CANCELLED,
    OH_FILE_FAILED,
    OH_TOO_LARGE,
    OH_NO_MEMORY
};

struct oh_outcome {
    enum oh_kind kind;
    bool retryable;     /* the same call may succeed later without harm */
    bool refused;       /* the service answered and certainly did nothing */
    double retry_after; /* seconds the service asks to wait; below 0: it does not say */
};

/* Judges everything but the body of a 2xx answer; `now` is the wall clock, for Retry-After dates. */
void oh_outcome_judge(const struct oh_operation *operation, const struct oh_answer *answer, time_t now,
                      struct oh_outcome *outcome);
/* An answer with a good status whose body cannot be what the operation answers. */
void oh_outcome_unreadable(struct oh_outcome *outcome);
const char *oh_kind_name(enum oh_kind kind);
/* Seconds that a Retry-After header asks for, at least 1; below 0 if it cannot be understood. */
double oh_outcome_retry_after(const char *header, time_t now);
/* Seconds since 1970 of a Date header; below 0 if it cannot be understood. */
double oh_outcome_date(const char *header);
/* True for content types that a web page has: the service answers unknown paths with 200 and a page. */
bool oh_outcome_is_page(const struct oh_answer *answer);

#endif
