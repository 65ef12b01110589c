/* Recognises the names of secrets: "X-Session-API-Key" is one, "monkey" and "max_tokens" are not. Must not know Lua or
   libcurl. */
#ifndef OH_SECRET_NAME_H
#define OH_SECRET_NAME_H

#include <stddef.h>

enum oh_name_verdict {
    OH_NAME_ORDINARY,
    OH_NAME_PERHAPS, /* "key", "token": as a field, it names a secret; in a sentence, it may be an ordinary word */
    OH_NAME_SECRET
};

/* Judges a name by its last word, in any spelling (snake_case, kebab-case, camelCase). */
enum oh_name_verdict oh_secret_name(const char *name, size_t length);

#endif
