/* What an id may look like, how text goes into a URL, how a new id is made. Pure C. */
#ifndef OH_IDENTIFIER_H
#define OH_IDENTIFIER_H

#include <stdbool.h>
#include <stddef.h>

#include "os/buffer.h"

#define OH_LONGEST_IDENTIFIER 128 /* bytes */
#define OH_UUID_SIZE 37 /* with its NUL */

/* 1 to OH_LONGEST_IDENTIFIER of [A-Za-z0-9_-]: safe as a path segment, and every id that the service is known to give. */
bool oh_identifier_is_valid(const char *id, size_t length);
/* 32 hexadecimal digits, with or without the usual dashes. */
bool oh_identifier_is_uuid(const char *id, size_t length);
/* Writes a random (version 4) UUID; false if the system gives no randomness. */
bool oh_identifier_new_uuid(char out[OH_UUID_SIZE]);
/* Appends text percent-encoded: everything but RFC 3986's unreserved characters. */
enum oh_buffer_result oh_url_encode(struct oh_buffer *buffer, const char *text, size_t length);

#endif
