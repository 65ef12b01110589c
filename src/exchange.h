/* One HTTP request and its answer. HTTP layer: knows libcurl, never Lua.
   Life: prepared (building) -> in flight -> done -> released; at each moment exactly one list of the multi owns it. */
#ifndef OH_EXCHANGE_H
#define OH_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer.h"
#include "buffer.h"
#include "origin.h"

struct oh_exchange {
    struct oh_exchange *previous, *next;
    uint64_t number;       /* 0 until submitted */
    const void *operation; /* the caller's mark; never looked into here */

    /* The request, filled by the caller between prepare and submit. */
    const char *method;        /* borrowed from the operation */
    struct oh_buffer path;     /* absolute, percent-encoded, without the origin's prefix */
    struct oh_buffer query;    /* without "?" */
    struct oh_buffer body;
    bool has_body;
    bool once;                 /* must reach the wire at most once */
    double timeout;            /* seconds for the whole exchange */
    double connect_timeout;    /* seconds until connected */
    double overdue_at;         /* monotonic moment at which it is ended even if libcurl has not begun it */
    char *api_key;             /* secret; NULL: the origin's */
    char *organization;        /* NULL: the origin's */

    /* The answer. */
    struct oh_buffer received;
    struct oh_answer answer;

    /* libcurl's side; what only the callbacks touch is below. */
    void *easy;
    struct Curl_URL *url;
    struct curl_slist *headers; /* own headers; NULL: shared with the origin */
    size_t body_sent;
    size_t header_bytes;
    bool header_overflow;
    bool body_overflow;
    bool out_of_memory;
    char error[256]; /* CURL_ERROR_SIZE */
};

/* A zeroed exchange with its buffers, NULL when out of memory. */
struct oh_exchange *oh_exchange_new(size_t most_sent, size_t most_received);
/* Readies libcurl's handle for this request; false when out of memory or when an option that safety depends on is
   refused: then nothing may be sent. */
bool oh_exchange_configure(struct oh_exchange *exchange, struct oh_origin *origin);
/* Fills `answer` from libcurl's result code. */
void oh_exchange_conclude(struct oh_exchange *exchange, int result);
/* Fills `answer` of an exchange that is ended from here, without libcurl's word: as OH_TRANSPORT_CANCELLED, or as
   OH_TRANSPORT_TIMEOUT. */
void oh_exchange_give_up(struct oh_exchange *exchange, enum oh_transport transport);
/* True if its handle may serve another plain read. */
bool oh_exchange_reusable(const struct oh_exchange *exchange);
/* Back to the state of oh_exchange_new, but with a warm handle. */
void oh_exchange_reset(struct oh_exchange *exchange);
/* Releases everything; it must be out of the multi handle. */
void oh_exchange_free(struct oh_exchange *exchange);

#endif
