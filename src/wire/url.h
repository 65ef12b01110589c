/* Encodes text as part of a URL. Must not know Lua or libcurl. */
#ifndef OH_URL_H
#define OH_URL_H

#include <stddef.h>

#include "os/buffer.h"

#define OH_URL_LONGEST_PART 65536 /* bytes of a path or a query: servers accept no more */

/* Appends text, with all bytes percent-encoded except the unreserved characters of RFC 3986. */
enum oh_buffer_result oh_url_encode(struct oh_buffer *buffer, const char *text, size_t length);

#endif
