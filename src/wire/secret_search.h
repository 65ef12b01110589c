/* Finds known secrets in a text, in any of the encodings in which services quote a request. Must not know Lua or
   libcurl. */
#ifndef OH_SECRET_SEARCH_H
#define OH_SECRET_SEARCH_H

#include <stddef.h>

#include "wire/secret.h"

/* The longest encoding of a secret: each byte as "\u00XX". */
#define OH_SECRET_SEARCH_LONGEST (6 * OH_SECRET_MOST)

/* Sets the byte of `marks` (zeroed before, one per byte of text) to 1 wherever a known secret is: plain,
   percent-encoded, with JSON escapes, or in base64. `plain` and `origins` are working memory: one byte and one int per
   byte of text, and one int more; NULL if no byte of the text is a percent sign or a backslash. Does not mark the placeholders of redacted text. */
void oh_secret_search(const struct oh_secrets *known, const char *text, size_t length, unsigned char *marks,
                      char *plain, int *origins);
/* Returns the length of the placeholder that the text begins with, or 0. */
size_t oh_secret_search_placeholder(const char *text, size_t left);

#endif
