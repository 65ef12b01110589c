/* Detects texts that are chosen to collide in Lua's hash tables. Must not know Lua or libcurl. */
#include "wire/hash_flood.h"

#define MOST_ALIKE 4000U /* different texts in one bucket that are always allowed */
#define UNEVEN 8U        /* times the average that a bucket may hold: the hash of Lua 5.1 is uneven */

#define SPREAD 2654435769U /* spreads marks over `seen`: some are addresses, multiples of a power of two */
#define SEEN_SHIFT (32 - OH_HASH_FLOOD_SEEN_BITS)

/* Returns the hash of Lua 5.1; versions up to 5.4.2 read the same bytes of a long text. */
static uint32_t hash_of(const char *text, size_t length)
{
    size_t step = (length >> 5) + 1;
    uint32_t hash = (uint32_t)length;

    for (; length >= step; length -= step)
        hash ^= (hash << 5) + (hash >> 2) + (unsigned char)text[length - 1];
    return hash;
}

uint32_t oh_hash_flood_mark(const char *text, size_t length, uint32_t seed)
{
    uint32_t hash = 2166136261U ^ seed; /* FNV-1a, of all bytes */
    size_t i;

    for (i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619U;
    return hash ^ (hash >> 15);
}

bool oh_hash_flood_note(struct oh_hash_flood *flood, const char *text, size_t length, uint32_t mark)
{
    uint32_t *seen = &flood->seen[(mark * SPREAD) >> SEEN_SHIFT], *count;

    if (*seen == mark)
        return true;
    *seen = mark;
    flood->texts++;
    count = &flood->counts[hash_of(text, length) % OH_HASH_FLOOD_BUCKETS];
    *count += 1;
    return *count <= MOST_ALIKE || *count <= UNEVEN * (flood->texts / OH_HASH_FLOOD_BUCKETS);
}
