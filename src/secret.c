/* What an API key may look like, and how it is kept out of memory and text. Must not know Lua or libcurl. */
#include "secret.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

/* A shorter "key" would mask ordinary words of a message. */
#define SHORTEST_MASKED 4

const char *oh_secret_problem(const char *key, size_t length)
{
    size_t i;

    if (length == 0)
        return "is empty";
    if (length > OH_SECRET_MOST)
        return "is longer than 512 bytes";
    for (i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)key[i];
        if (byte == ' ' || byte == '\t')
            return "contains a space";
        if (byte == '\r' || byte == '\n')
            return "contains a line break";
        if (byte < 0x21 || byte > 0x7e)
            return "contains a byte that is not printable ASCII";
    }
    return NULL;
}

void oh_secret_wipe(void *memory, size_t length)
{
    /* Through a volatile pointer: the compiler must not drop writes to memory that is about to be freed. */
    static void *(*const volatile set)(void *, int, size_t) = memset;

    (void)set(memory, 0, length);
}

void oh_secret_free(char *key)
{
    if (key != NULL) {
        oh_secret_wipe(key, strlen(key));
        free(key);
    }
}

static void mask_plain(char *text, size_t length, const char *word, size_t size)
{
    size_t at = 0;

    if (size < SHORTEST_MASKED)
        return;
    while (at + size <= length) {
        const char *start = memchr(text + at, word[0], length - size - at + 1);
        if (start == NULL)
            return;
        at = (size_t)(start - text);
        if (memcmp(start, word, size) == 0) {
            memset(text + at, '*', size);
            at += size;
        } else {
            at++;
        }
    }
}

/* Length of the one character at `text` that stands for `byte` as itself, %XX, \\X or \\u00XX; 0 if none does. */
static size_t encoded_byte(const char *text, size_t left, char byte)
{
    int high, low;

    if (left >= 1 && text[0] == byte)
        return 1;
    if (left >= 3 && text[0] == '%') {
        high = oh_text_hex(text[1]);
        low = oh_text_hex(text[2]);
        return high >= 0 && low >= 0 && high * 16 + low == byte ? 3 : 0;
    }
    if (left >= 2 && text[0] == '\\' && text[1] == byte)
        return 2;
    if (left >= 6 && memcmp(text, "\\u00", 4) == 0) {
        high = oh_text_hex(text[4]);
        low = oh_text_hex(text[5]);
        return high >= 0 && low >= 0 && high * 16 + low == byte ? 6 : 0;
    }
    return 0;
}

static size_t encoded_match(const char *text, size_t left, const char *key, size_t size)
{
    size_t i, at = 0, length;

    for (i = 0; i < size; i++) {
        length = encoded_byte(text + at, left - at, key[i]);
        if (length == 0)
            return 0;
        at += length;
    }
    return at;
}

static void mask_encoded(char *text, size_t length, const char *key, size_t size)
{
    size_t at, matched;

    if (size < SHORTEST_MASKED || (memchr(text, '%', length) == NULL && memchr(text, '\\', length) == NULL))
        return;
    for (at = 0; at < length; at++) {
        matched = encoded_match(text + at, length - at, key, size);
        if (matched > 0)
            memset(text + at, '*', matched);
    }
}

/* Base64 of the whole groups of three bytes; what is left over depends on what follows. */
static size_t base64(const char *bytes, size_t size, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t i, count = 0;

    for (i = 0; i + 3 <= size; i += 3) {
        unsigned long group = ((unsigned long)(unsigned char)bytes[i] << 16) |
                              ((unsigned long)(unsigned char)bytes[i + 1] << 8) | (unsigned char)bytes[i + 2];
        out[count++] = digits[(group >> 18) & 63];
        out[count++] = digits[(group >> 12) & 63];
        out[count++] = digits[(group >> 6) & 63];
        out[count++] = digits[group & 63];
    }
    return count;
}

/* The key may stand anywhere in what was encoded ("user:key"): each of the three alignments looks different. */
static void mask_base64(char *text, size_t length, const char *key, size_t size)
{
    char encoded[(OH_SECRET_MOST / 3 + 1) * 4];
    size_t skip, count;

    for (skip = 0; skip < 3 && skip < size; skip++) {
        count = base64(key + skip, size - skip, encoded);
        if (count >= 2 * SHORTEST_MASKED)
            mask_plain(text, length, encoded, count);
    }
    oh_secret_wipe(encoded, sizeof encoded);
}

void oh_secret_mask(char *text, size_t length, const char *key)
{
    size_t size;

    if (text == NULL || key == NULL)
        return;
    size = strlen(key);
    if (size > OH_SECRET_MOST)
        return;
    mask_plain(text, length, key, size);
    mask_encoded(text, length, key, size);
    mask_base64(text, length, key, size);
}
