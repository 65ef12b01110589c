/* What one HTTP request sends: path, query, body. Filled once, then only read; counted, so that several exchanges can
   send the same bytes without a copy. HTTP layer: knows neither libcurl nor Lua. */
#ifndef OH_REQUEST_H
#define OH_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "os/buffer.h"

struct oh_request {
    unsigned holders;
    struct oh_buffer path;  /* absolute, percent-encoded, without the origin's prefix */
    struct oh_buffer query; /* without "?" */
    struct oh_buffer body;
    bool has_body;          /* its method sends a body, which may be empty */
    char content_type[96];  /* of the body, "" if it has none */
    char *session_api_key;  /* secret, owned; NULL: none */
};

/* An empty request with one holder, whose body can have `most_body` bytes; NULL when out of memory. */
struct oh_request *oh_request_new(size_t most_body);
/* Adds a holder; returns the request. */
struct oh_request *oh_request_hold(struct oh_request *request);
/* Drops a holder; the last one wipes and frees the request. NULL is fine. */
void oh_request_release(struct oh_request *request);
/* Empties a request that nobody else holds, keeping up to `keep` bytes of its path and of its query; releases any
   other. Returns the request, or NULL. */
struct oh_request *oh_request_recycle(struct oh_request *request, size_t keep);
/* Sets the type of the body; at most 95 bytes, a longer one counts as none. */
void oh_request_set_type(struct oh_request *request, const char *content_type);

#endif
