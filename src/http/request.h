/* The bytes of one HTTP request: path, query, body. Filled once, then only read.
   Ownership is counted: a prepared call (src/lua/prepared.c) and each exchange that sends it hold it, so that several
   exchanges send the same bytes without a copy. The last holder wipes and frees them. If memory runs out halfway,
   nothing leaks: a half-filled request is already held by the prepared userdata, whose finalizer releases it, or by the
   exchange in oh_multi.building, which oh_multi_discard frees. Must not know libcurl or Lua. */
#ifndef OH_REQUEST_H
#define OH_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "os/buffer.h"

struct oh_request {
    unsigned holders;       /* at 0 it is freed */
    struct oh_buffer path;  /* absolute, percent-encoded, without the origin's prefix */
    struct oh_buffer query; /* percent-encoded, without "?" */
    struct oh_buffer body;
    bool has_body;          /* its method sends a body, which may be empty */
    char content_type[96];  /* of the body, "" if it has none */
    char *session_api_key;  /* secret, owned; NULL: none */
};

/* Returns an empty request with one holder, whose body may have `most_body` bytes; NULL when out of memory. */
struct oh_request *oh_request_new(size_t most_body);
/* Adds a holder; returns the request. */
struct oh_request *oh_request_hold(struct oh_request *request);
/* Drops a holder; the last one wipes and frees the request. NULL is fine. */
void oh_request_release(struct oh_request *request);
/* Empties a request that has no other holder, keeping the memory of its path and query up to `keep` bytes each;
   otherwise releases it. Returns the request, or NULL. */
struct oh_request *oh_request_recycle(struct oh_request *request, size_t keep);
/* Sets the content type of the body; "" instead of one that does not fit. */
void oh_request_set_type(struct oh_request *request, const char *content_type);

#endif
