/* Whether a text is JSON, and what it takes to make values of it: asked before the first one is made. Pure C. */
#ifndef OH_JSON_SCAN_H
#define OH_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OH_SCAN_DEEPEST 1000 /* lists and objects within each other */

enum oh_json_scan_result {
    OH_SCAN_WHOLE,     /* one value and nothing else */
    OH_SCAN_CAPACITY,      /* no room for another count: give more and go on */
    OH_SCAN_MALFORMED, /* not JSON, or not UTF-8 */
    OH_SCAN_DEEP,      /* more than OH_SCAN_DEEPEST levels */
    OH_SCAN_COSTLY,    /* its values would take more memory than allowed */
    OH_SCAN_COLLIDING      /* good, but its texts are chosen to keep the Lua busy: never of a scan, see json_flood.h */
};

struct oh_json_scan {
    const char *text; /* borrowed */
    size_t length, at;
    size_t cost, most_cost; /* bytes that the values take in a Lua, at most; that they may take */
    /* For each list and object, in the order in which they begin: its items, or its members that are not null. */
    uint32_t *counts; /* borrowed, may move */
    uint32_t room, used;
    size_t longest_escaped; /* bytes between the quotes of the longest string with a backslash; 0: there is none */
    int depth, deepest;
    int state;
    uint32_t open[OH_SCAN_DEEPEST]; /* by depth: where its count is, and whether it is an object */
};

/* Begins; `counts` has room for so many. */
void oh_json_scan_begin(struct oh_json_scan *scan, const char *text, size_t length, size_t most_cost, uint32_t *counts,
                   uint32_t room);
/* Goes through the text, once from its beginning to its end. After OH_SCAN_CAPACITY it may be called again. */
enum oh_json_scan_result oh_json_scan(struct oh_json_scan *scan);
/* The first byte from `text` on, before `end`, that is a quote or a backslash (or `end`): in what has been scanned. */
const char *oh_json_scan_plain(const char *text, const char *end);
/* Writes the characters that the text between two quotes stands for, which are never more bytes, and returns how many
   bytes they are. Lone surrogates become U+FFFD. The text has been scanned. */
size_t oh_json_scan_unescape(const char *text, size_t length, char *out);

#endif
