/* What well-formed text is: UTF-8. Pure C. */
#ifndef OH_UTF8_H
#define OH_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Offset of the first byte that is not well-formed UTF-8, or `length`. */
size_t oh_utf8_check(const char *text, size_t length);
/* Length of the well-formed UTF-8 sequence that begins the text, 0 if none does. */
size_t oh_utf8_sequence(const char *text, size_t left);
/* The small one of an ASCII letter, whatever the locale; anything else as it is. */
char oh_ascii_lower(char letter);
/* Whether the first `length` bytes are the same but for the case of ASCII letters, whatever the locale; a NUL ends both. */
bool oh_ascii_same(const char *one, const char *other, size_t length);
/* The value of a hexadecimal digit, -1 for anything else. */
int oh_ascii_hex(char digit);

#endif
