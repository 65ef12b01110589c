/* Makes one line of foreign text. Must not know Lua or libcurl. */
#include "wire/one_line.h"

#include <stdbool.h>
#include <string.h>

#include "wire/utf8.h"

/* Returns whether a character moves the cursor or changes the direction of writing, and so affects the rest of a
   log. */
static bool is_control(const char *character, size_t size)
{
    const unsigned char *byte = (const unsigned char *)character;

    if (size == 1)
        return byte[0] < 0x20 || byte[0] == 0x7f;
    if (size == 2)
        return byte[0] == 0xc2 && byte[1] < 0xa0;
    return size == 3 && byte[0] == 0xe2 &&
           ((byte[1] == 0x80 && (byte[2] == 0x8e || byte[2] == 0x8f || (byte[2] >= 0xa8 && byte[2] <= 0xae))) ||
            (byte[1] == 0x81 && byte[2] >= 0xa6 && byte[2] <= 0xa9));
}

size_t oh_one_line(const char *text, size_t length, char *line)
{
    size_t at = 0, count = 0, size;

    while (at < length) {
        size = oh_utf8_sequence(text + at, length - at);
        if (size == 0) {
            line[count++] = '?';
            at++;
            continue;
        }
        if (!is_control(text + at, size)) {
            memcpy(line + count, text + at, size);
            count += size;
        } else if (count > 0 && line[count - 1] != ' ') {
            line[count++] = ' ';
        }
        at += size;
    }
    return count;
}
