/* Detects texts that are chosen to collide in Lua's hash tables (hash flooding). An attacker can predict the hashes of
   Lua 5.1. Later versions have a seed, but up to 5.4.2 they skip bytes of longer strings (in 5.2 and 5.3, of strings
   from 32 bytes on), which collide if they differ only there. Must not know Lua or libcurl. */
#ifndef OH_HASH_FLOOD_H
#define OH_HASH_FLOOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OH_HASH_FLOOD_BUCKETS 4096U
#define OH_HASH_FLOOD_SEEN_BITS 14
#define OH_HASH_FLOOD_SKIPS 32 /* bytes: from this length on, the hashes of Lua 5.1 to 5.3 skip some */

struct oh_hash_flood {
    uint32_t texts;                               /* number of different texts, approximately */
    uint32_t counts[OH_HASH_FLOOD_BUCKETS];       /* number of texts by Lua's hash */
    uint32_t seen[1U << OH_HASH_FLOOD_SEEN_BITS]; /* marks of the latest texts: repeated texts are not counted */
};

/* Counts a text; false when too many different texts share a hash. `mark` identifies the text in a way that an attacker
   cannot predict. The struct is zeroed before the first text. */
bool oh_hash_flood_note(struct oh_hash_flood *flood, const char *text, size_t length, uint32_t mark);
/* Computes a mark from the bytes of a text, for callers that have no mark yet. */
uint32_t oh_hash_flood_mark(const char *text, size_t length, uint32_t seed);

#endif
