/* Ids of the service. Must not know Lua or libcurl. */
#define _GNU_SOURCE /* getentropy */
#include "wire/identifier.h"

#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

#include "wire/ascii.h"

bool oh_identifier_is_valid(const char *id, size_t length)
{
    size_t i;

    if (length == 0 || length > OH_LONGEST_IDENTIFIER)
        return false;
    for (i = 0; i < length; i++)
        if (!oh_ascii_is_digit(id[i]) && !oh_ascii_is_letter(id[i]) && id[i] != '_' && id[i] != '-')
            return false;
    return true;
}

/* Returns the first place from `at` on that has no dash. */
static size_t skip_dashes(const char *id, size_t length, size_t at)
{
    while (at < length && id[at] == '-')
        at++;
    return at;
}

bool oh_identifier_is_same(const char *one, size_t length, const char *other, size_t other_length)
{
    size_t i = skip_dashes(one, length, 0), j = skip_dashes(other, other_length, 0);

    while (i < length && j < other_length && oh_ascii_lower(one[i]) == oh_ascii_lower(other[j])) {
        i = skip_dashes(one, length, i + 1);
        j = skip_dashes(other, other_length, j + 1);
    }
    return i == length && j == other_length;
}

bool oh_identifier_is_uuid(const char *id, size_t length)
{
    bool dashed = length == 36;
    size_t i;

    if (length != 32 && !dashed)
        return false;
    for (i = 0; i < length; i++) {
        bool dash = dashed && (i == 8 || i == 13 || i == 18 || i == 23);
        if (dash ? id[i] != '-' : oh_ascii_hex(id[i]) < 0)
            return false;
    }
    return true;
}

/* Writes one digit of a UUID, after the dash that precedes it, if any. Returns the new length. */
static size_t add_digit(char *out, size_t at, char digit)
{
    if (at == 8 || at == 13 || at == 18 || at == 23)
        out[at++] = '-';
    out[at++] = digit;
    return at;
}

bool oh_identifier_with_dashes(const char *id, size_t length, char out[OH_UUID_SIZE])
{
    size_t i, at = 0;

    for (i = 0; i < length; i++) {
        if (id[i] == '-')
            continue;
        if (at == OH_UUID_SIZE - 1 || oh_ascii_hex(id[i]) < 0)
            return false;
        at = add_digit(out, at, oh_ascii_lower(id[i]));
    }
    if (at != OH_UUID_SIZE - 1)
        return false;
    out[at] = '\0';
    return true;
}

bool oh_identifier_new_uuid(char out[OH_UUID_SIZE])
{
    unsigned char random[16];
    static const char digits[] = "0123456789abcdef";
    size_t i, at = 0;

    if (getentropy(random, sizeof random) != 0)
        return false;
    random[6] = (unsigned char)((random[6] & 0x0f) | 0x40); /* version 4 */
    random[8] = (unsigned char)((random[8] & 0x3f) | 0x80); /* RFC 9562 variant */
    for (i = 0; i < sizeof random; i++) {
        at = add_digit(out, at, digits[random[i] >> 4]);
        at = add_digit(out, at, digits[random[i] & 15]);
    }
    out[at] = '\0';
    return true;
}
