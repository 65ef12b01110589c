/* Checks that a text is JSON and computes the memory that its values will take, before the first value is made.
   Must not know Lua or libcurl. */
#ifndef OH_JSON_SCAN_H
#define OH_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OH_SCAN_DEEPEST 1000 /* nested lists and objects */

enum oh_json_scan_result {
    OH_SCAN_WHOLE,          /* exactly one value */
    OH_SCAN_NEEDS_CAPACITY, /* `counts` is full: enlarge it and call again */
    OH_SCAN_PAUSED,         /* `stop` is reached: move it and call again */
    OH_SCAN_MALFORMED,      /* not JSON, or not UTF-8 */
    OH_SCAN_DEEP,           /* more than OH_SCAN_DEEPEST levels */
    OH_SCAN_COSTLY,         /* its values would take more memory than allowed */
    OH_SCAN_COLLIDING       /* its strings collide in Lua's hash tables (hash_flood.h); not returned by oh_json_scan */
};

struct oh_json_scan {
    const char *text; /* borrowed */
    size_t length, at;
    size_t stop;      /* at most `length`: a value that begins here or later is left to the next call */
    size_t cost;      /* upper bound of the bytes that the values read so far will take in Lua */
    size_t most_cost; /* limit of `cost` */
    /* For each list and object, in the order in which they begin: the number of its items, or of members that are not
       null. */
    uint32_t *counts; /* borrowed; the caller may move it between calls */
    uint32_t capacity, used;
    size_t longest_escaped; /* bytes between the quotes of the longest string with a backslash; 0: none */
    int depth, deepest;
    int state;
    uint32_t open[OH_SCAN_DEEPEST]; /* by depth: index of its count, and whether it is an object */
};

/* Begins a scan; `counts` holds `capacity` numbers, and `stop` is the end of the text. */
void oh_json_scan_begin(struct oh_json_scan *scan, const char *text, size_t length, size_t most_cost, uint32_t *counts,
                        uint32_t capacity);
/* Scans the text to `stop`. May be called again after OH_SCAN_NEEDS_CAPACITY, with a larger `counts`, and after
   OH_SCAN_PAUSED, with a later `stop`. */
enum oh_json_scan_result oh_json_scan(struct oh_json_scan *scan);

#endif
