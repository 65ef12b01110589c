/* SHA-1, as FIPS 180-4 describes it. Must not know Lua or libcurl. */
#include "os/sha1.h"

#include <string.h>

static uint32_t rotated(uint32_t word, int bits)
{
    return word << bits | word >> (32 - bits);
}

static uint32_t word_at(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void put_word(unsigned char *bytes, uint32_t word)
{
    int i;

    for (i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(word >> (24 - 8 * i));
}

/* Returns what a round adds: its function of three words, and its constant. */
static uint32_t round_value(int round, uint32_t b, uint32_t c, uint32_t d)
{
    if (round < 20)
        return ((b & c) | (~b & d)) + 0x5a827999;
    if (round < 40)
        return (b ^ c ^ d) + 0x6ed9eba1;
    if (round < 60)
        return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    return (b ^ c ^ d) + 0xca62c1d6;
}

static void add_block(struct oh_sha1 *sha1)
{
    uint32_t schedule[80], a = sha1->state[0], b = sha1->state[1], c = sha1->state[2], d = sha1->state[3];
    uint32_t e = sha1->state[4];
    int i;

    for (i = 0; i < 16; i++)
        schedule[i] = word_at(sha1->block + 4 * i);
    for (; i < 80; i++)
        schedule[i] = rotated(schedule[i - 3] ^ schedule[i - 8] ^ schedule[i - 14] ^ schedule[i - 16], 1);
    for (i = 0; i < 80; i++) {
        uint32_t next = rotated(a, 5) + round_value(i, b, c, d) + e + schedule[i];

        e = d;
        d = c;
        c = rotated(b, 30);
        b = a;
        a = next;
    }
    sha1->state[0] += a;
    sha1->state[1] += b;
    sha1->state[2] += c;
    sha1->state[3] += d;
    sha1->state[4] += e;
}

void oh_sha1_begin(struct oh_sha1 *sha1)
{
    static const uint32_t first[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

    memcpy(sha1->state, first, sizeof first);
    sha1->length = 0;
}

void oh_sha1_add(struct oh_sha1 *sha1, const void *bytes, size_t length)
{
    const unsigned char *from = bytes;

    while (length > 0) {
        size_t used = sha1->length % sizeof sha1->block, part = sizeof sha1->block - used;

        if (part > length)
            part = length;
        memcpy(sha1->block + used, from, part);
        sha1->length += part;
        from += part;
        length -= part;
        if (used + part == sizeof sha1->block)
            add_block(sha1);
    }
}

void oh_sha1_end(struct oh_sha1 *sha1, unsigned char digest[OH_SHA1_SIZE])
{
    static const unsigned char padding[64] = {0x80};
    unsigned char length[8];
    uint64_t bits = sha1->length * 8;
    size_t used = sha1->length % 64;
    int i;

    put_word(length, (uint32_t)(bits >> 32));
    put_word(length + 4, (uint32_t)bits);
    oh_sha1_add(sha1, padding, used < 56 ? 56 - used : 120 - used);
    oh_sha1_add(sha1, length, sizeof length);
    for (i = 0; i < 5; i++)
        put_word(digest + 4 * i, sha1->state[i]);
}
