/* Foreign text made fit to be shown: without secrets, bounded, and as one line where that is wanted. Cleaning what is
   clean changes nothing. Works in memory of the caller's; knows neither Lua nor libcurl. */
#ifndef OH_REDACT_H
#define OH_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/secret.h"

#define OH_REDACT_PLACEHOLDER "[redacted]" /* stands where a secret stood */
#define OH_REDACT_LEAST 32          /* bytes that a bound must allow at least */

enum oh_redact_form {
    OH_REDACT_TEXT, /* bytes as they are */
    OH_REDACT_LINE  /* control characters and what turns the direction of writing are blanks, what is not UTF-8 is "?" */
};

/* Bytes of memory that cleaning so long a text to at most so many bytes takes. */
size_t oh_redact_capacity(size_t length, size_t most);
/* Cleans a text to at most `most` bytes, cut before a character and ended with "…" where it had more. `room`: memory of
   oh_redact_capacity bytes, aligned as for an int; what is returned lies in it. Looks at no more of the text than the
   bound and the longest secret ask for, and at each byte a bounded number of times. */
const char *oh_redact(const struct oh_secrets *known, const char *text, size_t length, enum oh_redact_form form,
                     size_t most, void *room, size_t *cleaned);

#endif
