/* Reads a table of options in one pass; a description lists the options that it may contain. Lua layer. */
#ifndef OH_OPTIONS_H
#define OH_OPTIONS_H

#include <stddef.h>

#include "lua/compat.h"

enum oh_option_kind {
    OH_OPTION_TEXT,
    OH_OPTION_FOREIGN, /* any string, even empty; the code that uses it checks it */
    OH_OPTION_SECONDS,
    OH_OPTION_BYTES,
    OH_OPTION_COUNT,
    OH_OPTION_FLAG
};

struct oh_text { /* borrowed from the options table; NULL when absent */
    const char *bytes;
    size_t length;
};

struct oh_option {
    const char *name; /* NULL ends the description */
    enum oh_option_kind kind;
    size_t offset; /* of the struct oh_text, double, size_t or bool that takes the value */
};

/* Reads the table at `index` raw into `target`; an absent option leaves its member unchanged. Texts are borrowed from
   the table. Raises for unknown names, wrong types, numbers out of range, and texts that are empty or contain a NUL
   byte, except foreign ones. A flag may be any value; seconds above 1e6 become 1e6. */
void oh_options_read(lua_State *L, int index, const struct oh_option *description, void *target);

#endif
