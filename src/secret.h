/* What an API key may look like, and how it is kept out of memory and text. Pure C. */
#ifndef OH_SECRET_H
#define OH_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#define OH_SECRET_MOST 512 /* bytes of the longest key */

/* NULL when the bytes can stand in a header, else what is wrong with them (never the bytes themselves). */
const char *oh_secret_problem(const char *key, size_t length);
void oh_secret_wipe(void *memory, size_t length);
/* Wipes and frees a NUL-terminated copy; NULL is fine. */
void oh_secret_free(char *key);
/* Overwrites with '*' every place where the key stands in the text, plain, percent-encoded or in base64. */
void oh_secret_mask(char *text, size_t length, const char *key);

#endif
