/* Whether texts are chosen so that a Lua would compare each with all others: Lua 5.1 finds every string, and Lua up to
   5.4.2 every long name of a field, by a hash that strangers can foresee. Pure C. */
#ifndef OH_HASH_FLOOD_H
#define OH_HASH_FLOOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OH_HASH_FLOOD_BUCKETS 4096U
#define OH_HASH_FLOOD_SEEN_BITS 14

struct oh_hash_flood {
    uint32_t texts;                    /* different ones, as far as they were told apart */
    uint32_t counts[OH_HASH_FLOOD_BUCKETS]; /* of them, by Lua's hash */
    uint32_t seen[1U << OH_HASH_FLOOD_SEEN_BITS];      /* the latest, by their marks: what comes again costs nothing */
};

/* Notes a text in what was zeroed at first; false when too many share a hash. `mark`: tells it from others, in a way
   that strangers cannot foresee. */
bool oh_hash_flood_note(struct oh_hash_flood *flood, const char *text, size_t length, uint32_t mark);
/* A mark for texts that have no other. */
uint32_t oh_hash_flood_mark(const char *text, size_t length, uint32_t seed);

#endif
