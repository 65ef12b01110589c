/* Where in a text known secrets stand. Pure C. */
#ifndef OH_SECRET_SEARCH_H
#define OH_SECRET_SEARCH_H

#include <stddef.h>

#include "wire/secret.h"

/* Longest text of a secret: each byte of it as "\u00XX". */
#define OH_SECRET_SEARCH_LONGEST (6 * OH_SECRET_MOST)

/* Sets to 1 the byte of `marks` (zeroed before, one per byte of text) wherever a known secret stands: as it is,
   percent-encoded, with JSON's escapes, or in base64. `plain` and `origins`: memory for as many bytes, and one int
   more. What is marked as redacted already is left alone. */
void oh_secret_search(const struct oh_secrets *known, const char *text, size_t length, unsigned char *marks, char *plain,
                    int *origins);
/* Length of the mark of something redacted with which the text begins, or 0. */
size_t oh_secret_search_placeholder(const char *text, size_t left);

#endif
