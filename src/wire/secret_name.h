/* Which names are those of secrets. Pure C. */
#ifndef OH_SECRET_NAME_H
#define OH_SECRET_NAME_H

#include <stddef.h>

enum oh_name_verdict {
    OH_NAME_ORDINARY,
    OH_NAME_PERHAPS, /* "key", "token": as the name of a field a secret's, in a sentence perhaps not */
    OH_NAME_SECRET
};

enum oh_name_verdict oh_secret_name(const char *name, size_t length);

#endif
