/* Checks the ids of the service and makes new UUIDs. Must not know Lua or libcurl. */
#ifndef OH_IDENTIFIER_H
#define OH_IDENTIFIER_H

#include <stdbool.h>
#include <stddef.h>

#define OH_LONGEST_IDENTIFIER 128 /* bytes */
#define OH_UUID_SIZE 37           /* bytes, with the NUL */

/* Returns whether an id consists of 1 to OH_LONGEST_IDENTIFIER characters of [A-Za-z0-9_-], like all known ids of the
   service. Such an id is safe as a path segment. */
bool oh_identifier_is_valid(const char *id, size_t length);
/* Returns whether two texts are the same id: the service spells an id with and without dashes, in both cases. */
bool oh_identifier_is_same(const char *one, size_t length, const char *other, size_t other_length);
/* Returns whether an id consists of 32 hexadecimal digits, with or without the usual dashes. */
bool oh_identifier_is_uuid(const char *id, size_t length);
/* Writes 32 hexadecimal digits, with dashes at any place, as a UUID in lower case with its usual dashes. False for any
   other id. */
bool oh_identifier_with_dashes(const char *id, size_t length, char out[OH_UUID_SIZE]);
/* Writes a random (version 4) UUID; false if the system has no source of random numbers. */
bool oh_identifier_new_uuid(char out[OH_UUID_SIZE]);
/* Writes the UUID (version 5) that RFC 9562 derives from a name in a namespace. False if the namespace is no UUID. */
bool oh_identifier_derived_uuid(const char *space, size_t space_length, const char *name, size_t length,
                                char out[OH_UUID_SIZE]);

#endif
