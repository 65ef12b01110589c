/* What well-formed text is: UTF-8, and JSON's escapes for it. Pure C. */
#ifndef OH_TEXT_H
#define OH_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Offset of the first byte that is not well-formed UTF-8, or `length`. */
size_t oh_text_check_utf8(const char *text, size_t length);
/* Overwrites each \uD800 to \uDFFF escape that stands alone by \uFFFD: a title cut within a character must not make
   an answer unreadable. False if there was none. */
bool oh_text_replace_lone_surrogates(char *json, size_t length);
/* The value of a hexadecimal digit, -1 for anything else. */
int oh_text_hex(char digit);

#endif
