/* Finds known secrets in a text. Must not know Lua or libcurl.
   memmem is linear in common C libraries, and gets only short texts here. */
#define _GNU_SOURCE /* memmem */
#include "wire/secret_search.h"

#include <stdbool.h>
#include <string.h>

#include "os/wipe.h"
#include "wire/redact.h"
#include "wire/ascii.h"

#define SHORTEST_BASE64 8

size_t oh_secret_search_placeholder(const char *text, size_t left)
{
    static const char mark[] = OH_REDACT_PLACEHOLDER;
    size_t size = sizeof mark - 1;

    return left >= size && text[0] == mark[0] && memcmp(text, mark, size) == 0 ? size : 0;
}

/* Returns whether `at`, the beginning or end of a match, is within a placeholder: then it is no match. */
static bool cuts_placeholder(const char *text, size_t length, size_t at)
{
    size_t size = sizeof OH_REDACT_PLACEHOLDER - 1, start = at >= size - 1 ? at - (size - 1) : 0;

    for (; start < at; start++)
        if (oh_secret_search_placeholder(text + start, length - start) > 0)
            return true;
    return false;
}

static bool is_base64(char byte)
{
    return oh_ascii_is_digit(byte) || oh_ascii_is_letter(byte) ||
           (byte != '\0' && strchr("+/-_=", byte) != NULL);
}

/* Marks the groups of base64 beside a match: the match covers whole groups, and those beside it hold the rest of the
   secret. */
static void mark_beside(const char *text, size_t length, size_t from, size_t to, unsigned char *marks)
{
    size_t i;

    for (i = 0; i < 4 && from > 0 && is_base64(text[from - 1]); i++)
        marks[--from] = 1;
    for (i = 0; i < 4 && to < length && is_base64(text[to]); i++)
        marks[to++] = 1;
}

/* Marks each occurrence of `secret` in `bytes`. `origins`: where in the text each byte comes from; NULL: `bytes` is the
   text itself. */
static void mark_each(const char *bytes, size_t count, const char *secret, size_t size, const char *text, size_t length,
                      const int *origins, bool in_base64, unsigned char *marks)
{
    size_t at = 0, from, to;

    while (at + size <= count) {
        const char *found = memmem(bytes + at, count - at, secret, size);
        if (found == NULL)
            return;
        at = (size_t)(found - bytes);
        from = origins != NULL ? (size_t)origins[at] : at;
        to = origins != NULL ? (size_t)origins[at + size] : at + size;
        if (cuts_placeholder(text, length, from) || cuts_placeholder(text, length, to)) {
            at++;
        } else {
            memset(marks + from, 1, to - from);
            if (in_base64)
                mark_beside(text, length, from, to, marks);
            at += size;
        }
    }
}

/* Returns the length of the escape at `text`, and the byte it stands for; 1 and the byte itself if it is none. */
static size_t unescape(const char *text, size_t left, char *byte)
{
    int high = -1, low = -1;

    *byte = text[0];
    if (text[0] == '%' && left >= 3) {
        high = oh_ascii_hex(text[1]);
        low = oh_ascii_hex(text[2]);
    } else if (left >= 6 && memcmp(text, "\\u00", 4) == 0) {
        high = oh_ascii_hex(text[4]);
        low = oh_ascii_hex(text[5]);
    }
    if (high >= 0 && low >= 0) {
        *byte = (char)(high * 16 + low);
        return text[0] == '%' ? 3 : 6;
    }
    if (text[0] == '\\' && left >= 2) {
        *byte = text[1];
        return 2;
    }
    return 1;
}

static size_t unescape_all(const char *text, size_t length, char *plain, int *origins)
{
    size_t at = 0, count = 0;

    while (at < length) {
        origins[count] = (int)at;
        at += unescape(text + at, length - at, &plain[count]);
        count++;
    }
    origins[count] = (int)length;
    return count;
}

/* Writes the base64 of all whole groups of three bytes; the encoding of the bytes left over depends on what follows. */
static size_t base64(const char *bytes, size_t size, const char *last, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    size_t i, j, count = 0;

    for (i = 0; i + 3 <= size; i += 3) {
        unsigned long group = ((unsigned long)(unsigned char)bytes[i] << 16) |
                              ((unsigned long)(unsigned char)bytes[i + 1] << 8) | (unsigned char)bytes[i + 2];
        for (j = 0; j < 4; j++) {
            unsigned digit = (unsigned)(group >> (18 - 6 * j)) & 63;
            if (digit < 62)
                out[count++] = digits[digit];
            else
                out[count++] = last[digit - 62];
        }
    }
    return count;
}

/* Marks a secret in base64. It may begin anywhere in the text that was encoded ("user:key"), so its encoding has one of
   three alignments, which all look different. */
static void mark_base64(const char *text, size_t length, const char *secret, size_t size, unsigned char *marks)
{
    static const char *const lasts[] = {"+/", "-_"};
    char encoded[(OH_SECRET_MOST / 3 + 1) * 4];
    size_t skip, count, i;

    if ((size - 2) / 3 * 4 > length) /* a table may hold thousands of texts that are too short */
        return;
    for (skip = 0; skip < 3 && skip < size; skip++) {
        for (i = 0; i < 2; i++) {
            count = base64(secret + skip, size - skip, lasts[i], encoded);
            if (count < SHORTEST_BASE64 || count > length)
                break;
            mark_each(text, length, encoded, count, text, length, NULL, true, marks);
            if (memchr(encoded, '+', count) == NULL && memchr(encoded, '/', count) == NULL)
                break; /* the same in both alphabets */
        }
    }
    oh_wipe(encoded, sizeof encoded);
}

void oh_secret_search(const struct oh_secrets *known, const char *text, size_t length, unsigned char *marks,
                      char *plain, int *origins)
{
    bool has_escapes = memchr(text, '%', length) != NULL || memchr(text, '\\', length) != NULL;
    size_t i, size, count = has_escapes ? unescape_all(text, length, plain, origins) : 0;

    for (i = 0; i < OH_SECRETS_MOST; i++) {
        const char *secret = known->known[i];
        if (secret == NULL)
            continue;
        size = strlen(secret);
        mark_each(text, length, secret, size, text, length, NULL, false, marks);
        if (has_escapes)
            mark_each(plain, count, secret, size, text, length, origins, false, marks);
        mark_base64(text, length, secret, size, marks);
    }
}
