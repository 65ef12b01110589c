/* What well-formed text is. Must not know Lua or libcurl. */
#include "text.h"

#include <string.h>

static bool is_continuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

/* Length of the well-formed sequence at `byte` (Unicode, table 3-7), or 0. */
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

size_t oh_text_check_utf8(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t at = 0, size;

    while (at < length) {
        /* Eight ASCII bytes at a time: nearly all of an answer. */
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

size_t oh_text_sequence(const char *text, size_t left)
{
    return left > 0 ? sequence((const unsigned char *)text, left) : 0;
}

char oh_text_lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

int oh_text_hex(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* The code unit of a \uXXXX escape at `json`, -1 if there is none. */
static int escaped_unit(const char *json, size_t left)
{
    int unit = 0, i, digit;

    if (left < 6 || json[0] != '\\' || json[1] != 'u')
        return -1;
    for (i = 2; i < 6; i++) {
        digit = oh_text_hex(json[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

bool oh_text_replace_lone_surrogates(char *json, size_t length)
{
    bool replaced = false;
    size_t at = 0;
    int unit, next;

    while (at < length) {
        if (json[at] != '\\') {
            at++;
            continue;
        }
        unit = escaped_unit(json + at, length - at);
        if (unit < 0xD800 || unit > 0xDFFF) {
            at += 2; /* an escape of some kind: its second character begins no other */
            continue;
        }
        next = length - at > 6 ? escaped_unit(json + at + 6, length - at - 6) : -1;
        if (unit <= 0xDBFF && next >= 0xDC00 && next <= 0xDFFF) {
            at += 12;
            continue;
        }
        memcpy(json + at + 2, "FFFD", 4);
        replaced = true;
        at += 6;
    }
    return replaced;
}
