/* Builds the Lua values of a text that json_scan.c has checked, without recursion, so that it can pause. Lua layer. */
#ifndef OH_JSON_BUILD_H
#define OH_JSON_BUILD_H

#include <stdbool.h>

#include "lua/compat.h"
#include "lua/json_texts.h"
#include "wire/json_scan.h"
#include "wire/secret.h"

#define OH_BUILD_STACK_OF_LEVEL 2 /* slots: a table, and the name of the member whose value is being built */
#define OH_BUILD_STACK 7          /* slots besides */

struct oh_json_builder {
    lua_State *L;
    const char *at, *end;
    const char *stop;            /* at most `end`: a value that begins here or later is left to the next call */
    const uint32_t *counts;      /* of the list or object that begins next */
    char *scratch;               /* borrowed; holds the longest string with escapes, and OH_JSON_BLOCK bytes more */
    struct oh_json_texts *texts; /* borrowed. NULL: the text is short */
    struct oh_secrets *secrets;  /* borrowed; gets the session keys of the text */
    bool names_key;              /* the latest name is that of a session key */
    bool flooded;                /* too many strings collide: it has given up */
    int depth;
    int items[OH_SCAN_DEEPEST];  /* by depth: number of items so far in a list, or -1 for an object */
};

/* Prepares a builder for a text that has been scanned. The caller sets `L`, `scratch`, `texts` and `secrets`. */
void oh_json_build_begin(struct oh_json_builder *builder, const struct oh_json_scan *scan);
/* Builds values until `stop`, or until it gives up, or to the end of the whole value: then `depth` is 0, and the value
   is on top of the stack. Before that, at most OH_BUILD_STACK_OF_LEVEL values for each level are there, none of them
   nil; the caller may keep them elsewhere between two calls. Needs room for OH_BUILD_STACK more. */
void oh_json_build(struct oh_json_builder *builder);

#endif
