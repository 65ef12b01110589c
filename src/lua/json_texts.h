/* The strings of a long answer on their way to Lua: those that recur are made once, and those that are chosen to collide
   in Lua's hash tables are noticed (hash_flood.h). Lua layer. */
#ifndef OH_JSON_TEXTS_H
#define OH_JSON_TEXTS_H

#include <stdbool.h>

#include "lua/compat.h"
#include "wire/hash_flood.h"

#define OH_TEXTS_NAMES 128 /* slots; powers of two */
#define OH_TEXTS_VALUES 64
#define OH_TEXTS_HELD (OH_TEXTS_NAMES + OH_TEXTS_VALUES + 1) /* items that it keeps in a table */

struct oh_json_text {
    const char *text; /* NULL: the slot is empty */
    size_t length;
};

struct oh_json_texts {
    int table, first;            /* stack index of a table, and the first of the items that it uses there */
    struct oh_hash_flood *flood; /* NULL until there are many strings; one of the items */
    uint32_t unnoted, seed;      /* strings before there was a flood; seed of its marks */
    struct oh_json_text slots[OH_TEXTS_NAMES + OH_TEXTS_VALUES];
};

/* Makes `texts` empty. The caller sets `table`, now and whenever the table has another index. */
void oh_json_texts_begin(struct oh_json_texts *texts, int first, uint32_t seed);
enum oh_json_text_use { OH_TEXT_VALUE, OH_TEXT_NAME };

/* Pushes a string. If it is `lasting`, borrows the text until the last string is pushed. Returns false if too many
   strings collide. Needs room for 2 values more. */
bool oh_json_texts_push(lua_State *L, struct oh_json_texts *texts, const char *text, size_t length,
                        enum oh_json_text_use use, bool lasting);

#endif
