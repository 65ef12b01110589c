/* Computes SHA-1 digests: identifiers are derived with it, nothing is protected. Must not know Lua or libcurl. */
#ifndef OH_SHA1_H
#define OH_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define OH_SHA1_SIZE 20 /* bytes of a digest */

/* A digest that is being computed. */
struct oh_sha1 {
    uint32_t state[5];
    uint64_t length; /* bytes so far */
    unsigned char block[64];
};

void oh_sha1_begin(struct oh_sha1 *sha1);
void oh_sha1_add(struct oh_sha1 *sha1, const void *bytes, size_t length);
void oh_sha1_end(struct oh_sha1 *sha1, unsigned char digest[OH_SHA1_SIZE]);

#endif
