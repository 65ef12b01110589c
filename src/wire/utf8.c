/* Checks that text is well-formed UTF-8. Must not know Lua or libcurl. */
#include "wire/utf8.h"

#include <string.h>

static bool is_continuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

/* Returns the length of the well-formed sequence at `byte` (Unicode, table 3-7), or 0. */
static size_t sequence(const unsigned char *byte, size_t left)
{
    if (byte[0] < 0x80)
        return 1;
    if (byte[0] >= 0xc2 && byte[0] <= 0xdf)
        return left >= 2 && is_continuation(byte[1]) ? 2 : 0;
    if (byte[0] >= 0xe0 && byte[0] <= 0xef) {
        if (left < 3 || !is_continuation(byte[1]) || !is_continuation(byte[2]))
            return 0;
        if ((byte[0] == 0xe0 && byte[1] < 0xa0) || (byte[0] == 0xed && byte[1] > 0x9f))
            return 0; /* overlong, surrogate */
        return 3;
    }
    if (byte[0] >= 0xf0 && byte[0] <= 0xf4) {
        if (left < 4 || !is_continuation(byte[1]) || !is_continuation(byte[2]) || !is_continuation(byte[3]))
            return 0;
        if ((byte[0] == 0xf0 && byte[1] < 0x90) || (byte[0] == 0xf4 && byte[1] > 0x8f))
            return 0; /* overlong, beyond U+10FFFF */
        return 4;
    }
    return 0;
}

size_t oh_utf8_check(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t at = 0, size;

    while (at < length) {
        /* Skips eight ASCII bytes at a time: nearly all of a response is ASCII. */
        while (length - at >= 8) {
            unsigned long long word;
            memcpy(&word, bytes + at, sizeof word);
            if ((word & 0x8080808080808080ULL) != 0)
                break;
            at += 8;
        }
        if (at == length)
            break;
        size = sequence(bytes + at, length - at);
        if (size == 0)
            return at;
        at += size;
    }
    return length;
}

size_t oh_utf8_sequence(const char *text, size_t left)
{
    return left > 0 ? sequence((const unsigned char *)text, left) : 0;
}
