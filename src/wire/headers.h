/* HTTP headers: the names of request headers, and the values that are read from response headers.
   Must not know Lua or libcurl. */
#ifndef OH_HEADERS_H
#define OH_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "wire/response.h"

#define OH_HEADER_ACCEPT "Accept: "
#define OH_HEADER_API_KEY "Authorization: Bearer "
#define OH_HEADER_SESSION_API_KEY "X-Session-API-Key: "
#define OH_HEADER_ORGANIZATION "X-Org-Id: "
#define OH_HEADER_USER_AGENT "User-Agent: "
#define OH_HEADER_CONTENT_TYPE "Content-Type: "
#define OH_HEADER_NO_CONTENT_TYPE "Content-Type:" /* without it libcurl would declare the body a form */
#define OH_HEADER_NO_ACCEPT_ENCODING "Accept-Encoding:" /* libcurl then does not send its own */
#define OH_HEADER_NO_EXPECT "Expect:" /* without it libcurl may ask first, and after a 417 send the body twice */

#define OH_ACCEPT_JSON "application/json"

/* The properties of a response that its headers state. Zeroed before the first line. */
struct oh_headers {
    bool is_complete;        /* the empty line after them has arrived */
    bool is_multiplexed;     /* HTTP/2 or later */
    bool marks_end_of_body;  /* chunks or frames mark the end of the body: no length is needed */
    bool body_is_compressed; /* it has a Content-Encoding other than identity */
};

/* Reads one header line, with its line break. Returns whether it was a status line. A status line begins a new
   response: the headers of an interim response before it (100 Continue) are discarded. */
bool oh_headers_read(struct oh_headers *headers, struct oh_response *response, const char *line, size_t length);
/* Copies a header's value without the blanks around it; "" instead of a value that does not fit. */
void oh_headers_copy_value(char *out, size_t capacity, const char *value, size_t length);
/* Returns the seconds that a Retry-After header asks to wait, 1 to 1e9; below 0 if it is not valid. */
double oh_headers_retry_after(const char *value, time_t now);
/* Returns the time in a Date header, in seconds since 1970; below 0 if it is not valid. */
double oh_headers_date(const char *value);

#endif
