/* Reads the strings of a JSON text. Must not know Lua or libcurl. */
#ifndef OH_JSON_STRING_H
#define OH_JSON_STRING_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/json_block.h"

/* Returns the end of the string that begins at `text`, behind its first quote: its last quote. NULL if it is malformed,
   or not UTF-8. Sets `escaped` if it has a backslash. */
const char *oh_json_string_check(const char *text, const char *end, bool *escaped);
/* Returns the first quote or backslash from `text` on, or `end`. */
const char *oh_json_string_find_special(const char *text, const char *end);
/* Decodes the string that begins at `text`, behind its first quote, and returns its last quote. Sets `length` to the
   number of bytes that it wrote. Lone surrogates become U+FFFD. The string must have been checked. `out` has room for
   the text between the quotes, and for OH_JSON_BLOCK more. */
const char *oh_json_string_decode(const char *text, const char *end, char *out, size_t *length);

#endif
