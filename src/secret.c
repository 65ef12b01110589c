/* What an API key may look like, and how it is kept out of memory and text. Must not know Lua or libcurl. */
#include "secret.h"

#include <stdlib.h>
#include <string.h>

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
    /* volatile: the compiler must not drop writes to memory that is about to be freed. */
    volatile unsigned char *byte = memory;

    while (length-- > 0)
        *byte++ = 0;
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

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* Length of the text at `at` that decodes to the whole key with some bytes written as %XX or \X, else 0. */
static size_t encoded_match(const char *text, size_t length, size_t at, const char *key, size_t size)
{
    size_t i, start = at;

    for (i = 0; i < size; i++) {
        char byte;
        if (at >= length)
            return 0;
        byte = text[at];
        if (byte == '%' && at + 2 < length && hex_value(text[at + 1]) >= 0 && hex_value(text[at + 2]) >= 0) {
            byte = (char)(hex_value(text[at + 1]) * 16 + hex_value(text[at + 2]));
            at += 3;
        } else if (byte == '\\' && key[i] != '\\' && at + 1 < length) {
            byte = text[at + 1];
            at += 2;
        } else {
            at++;
        }
        if (byte != key[i])
            return 0;
    }
    return at - start;
}

static void mask_encoded(char *text, size_t length, const char *key, size_t size)
{
    size_t at, matched;

    if (size < SHORTEST_MASKED || (memchr(text, '%', length) == NULL && memchr(text, '\\', length) == NULL))
        return;
    for (at = 0; at < length; at++) {
        matched = encoded_match(text, length, at, key, size);
        if (matched > 0)
            memset(text + at, '*', matched);
    }
}

/* Base64 of the key without its last, padding-dependent group. */
static size_t base64(const char *key, size_t size, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t i, count = 0;

    for (i = 0; i + 3 <= size; i += 3) {
        unsigned long group = ((unsigned long)(unsigned char)key[i] << 16) |
                              ((unsigned long)(unsigned char)key[i + 1] << 8) | (unsigned char)key[i + 2];
        out[count++] = digits[(group >> 18) & 63];
        out[count++] = digits[(group >> 12) & 63];
        out[count++] = digits[(group >> 6) & 63];
        out[count++] = digits[group & 63];
    }
    return count;
}

void oh_secret_mask(char *text, size_t length, const char *key)
{
    char encoded[(OH_SECRET_MOST / 3 + 1) * 4];
    size_t size, count;

    if (text == NULL || key == NULL)
        return;
    size = strlen(key);
    if (size > OH_SECRET_MOST)
        return;
    mask_plain(text, length, key, size);
    mask_encoded(text, length, key, size);
    count = base64(key, size, encoded);
    if (count >= 2 * SHORTEST_MASKED)
        mask_plain(text, length, encoded, count);
    oh_secret_wipe(encoded, sizeof encoded);
}
