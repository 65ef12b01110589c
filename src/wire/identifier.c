/* Ids of the service. Must not know Lua or libcurl. */
#define _GNU_SOURCE /* getentropy */
#include "wire/identifier.h"

#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

#include "os/sha1.h"
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

/* Writes sixteen bytes as a UUID of a version of RFC 9562. */
static void write_uuid(unsigned char bytes[16], int version, char out[OH_UUID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    size_t i, at = 0;

    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | version << 4);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80); /* variant */
    for (i = 0; i < 16; i++) {
        at = add_digit(out, at, digits[bytes[i] >> 4]);
        at = add_digit(out, at, digits[bytes[i] & 15]);
    }
    out[at] = '\0';
}

bool oh_identifier_new_uuid(char out[OH_UUID_SIZE])
{
    unsigned char random[16];

    if (getentropy(random, sizeof random) != 0)
        return false;
    write_uuid(random, 4, out);
    return true;
}

bool oh_identifier_derived_uuid(const char *space, size_t space_length, const char *name, size_t length,
                                char out[OH_UUID_SIZE])
{
    unsigned char bytes[16], digest[OH_SHA1_SIZE];
    struct oh_sha1 sha1;
    size_t i, count = 0;

    if (!oh_identifier_is_uuid(space, space_length))
        return false;
    for (i = 0; i < space_length; i++) {
        if (space[i] == '-')
            continue;
        bytes[count / 2] = (unsigned char)((count % 2 == 0 ? 0 : bytes[count / 2]) << 4 | oh_ascii_hex(space[i]));
        count++;
    }
    oh_sha1_begin(&sha1);
    oh_sha1_add(&sha1, bytes, sizeof bytes);
    oh_sha1_add(&sha1, name, length);
    oh_sha1_end(&sha1, digest);
    write_uuid(digest, 5, out);
    return true;
}
