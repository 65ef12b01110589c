/* Makes one line of foreign text. Must not know Lua or libcurl. */
#ifndef OH_ONE_LINE_H
#define OH_ONE_LINE_H

#include <stddef.h>

/* Copies a text with a blank in place of control characters (none at the beginning or after another blank), and "?" for
   each byte that is not well-formed UTF-8. `line` has room for `length` bytes. Returns the length of the copy. */
size_t oh_one_line(const char *text, size_t length, char *line);

#endif
