/* Checks that text is well-formed UTF-8. Must not know Lua or libcurl. */
#ifndef OH_UTF8_H
#define OH_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Returns the offset of the first byte that is not well-formed UTF-8, or `length`. */
size_t oh_utf8_check(const char *text, size_t length);
/* Returns the length of the well-formed sequence at the beginning of the text, 0 if there is none. */
size_t oh_utf8_sequence(const char *text, size_t left);

#endif
