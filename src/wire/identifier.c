/* What an id may look like, how text goes into a URL, how a new id is made. Must not know Lua or libcurl. */
#define _GNU_SOURCE /* getentropy */
#include "wire/identifier.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

/* Own character tests: those of <ctype.h> follow the locale. */
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool oh_identifier_is_valid(const char *id, size_t length)
{
    size_t i;

    if (length == 0 || length > OH_LONGEST_IDENTIFIER)
        return false;
    for (i = 0; i < length; i++)
        if (!is_digit(id[i]) && !is_letter(id[i]) && id[i] != '_' && id[i] != '-')
            return false;
    return true;
}

bool oh_identifier_is_uuid(const char *id, size_t length)
{
    bool dashed = length == 36;
    size_t i;

    if (length != 32 && !dashed)
        return false;
    for (i = 0; i < length; i++) {
        bool dash = dashed && (i == 8 || i == 13 || i == 18 || i == 23);
        if (dash ? id[i] != '-' : !is_hex(id[i]))
            return false;
    }
    return true;
}

bool oh_identifier_new_uuid(char out[OH_UUID_SIZE])
{
    unsigned char random[16];
    size_t i, at = 0;

    if (getentropy(random, sizeof random) != 0)
        return false;
    random[6] = (unsigned char)((random[6] & 0x0f) | 0x40); /* version 4 */
    random[8] = (unsigned char)((random[8] & 0x3f) | 0x80); /* RFC 9562 variant */
    for (i = 0; i < sizeof random; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        at += (size_t)snprintf(out + at, 3, "%02x", random[i]);
    }
    return true;
}

enum oh_buffer_result oh_url_encode(struct oh_buffer *buffer, const char *text, size_t length)
{
    static const char hex[] = "0123456789ABCDEF";
    enum oh_buffer_result result = OH_BUFFER_OK;
    size_t i;

    for (i = 0; i < length && result == OH_BUFFER_OK; i++) {
        char c = text[i];
        if (is_digit(c) || is_letter(c) || c == '-' || c == '_' || c == '.' || c == '~') {
            result = oh_buffer_append(buffer, &c, 1);
        } else {
            char escape[3] = {'%', hex[(unsigned char)c >> 4], hex[(unsigned char)c & 15]};
            result = oh_buffer_append(buffer, escape, sizeof escape);
        }
    }
    return result;
}
