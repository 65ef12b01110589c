/* Prepares foreign text for display: redacts secrets, limits the length, and optionally folds it to one line. Redacting
   a redacted text changes nothing. Works in memory of the caller. Must not know Lua or libcurl. */
#ifndef OH_REDACT_H
#define OH_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/secret.h"

#define OH_REDACT_PLACEHOLDER "[redacted]" /* replaces a secret */
#define OH_REDACT_LEAST 32                 /* smallest limit, in bytes */

enum oh_redact_form {
    OH_REDACT_TEXT, /* bytes as they are */
    OH_REDACT_LINE  /* control and bidirectional characters become blanks, bytes that are not UTF-8 become "?" */
};

/* Returns how many bytes of working memory oh_redact needs. */
size_t oh_redact_capacity(size_t length, size_t most);
/* Redacts a text to at most `most` bytes; a longer one is cut before a character and ends with "…". `memory`: has the
   size that oh_redact_capacity returns, and is aligned as an int. Returns the result, of `redacted` bytes, in `memory`.
   Reads no more of the text than the limit and the longest secret require, and each byte a bounded number of times. */
const char *oh_redact(const struct oh_secrets *known, const char *text, size_t length, enum oh_redact_form form,
                      size_t most, void *memory, size_t *redacted);

#endif
