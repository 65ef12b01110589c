/* The shorthand in which the rows of operations_*.c are written. */
#ifndef OH_ROWS_H
#define OH_ROWS_H

#include "wire/operations.h"

#define QUICK 30.0      /* seconds for a read */
#define SCANNING 120.0  /* seconds for a read that looks through a long history */
#define THINKING 150.0  /* seconds for a start: the service itself waits up to 120 s for a sandbox */
#define STREAMING 900.0 /* seconds for a start that tells how it goes, silent for minutes in between */
#define CARRYING 3600.0 /* seconds for a file; one that stands still ends sooner */

/* A field by its names in Lua and on the wire, or by the one name that it has in both. */
#define FIELD(name, wire, place, type) {name, wire, OH_##place, OH_##type, false}
#define NEEDED(name, wire, place, type) {name, wire, OH_##place, OH_##type, true}
#define PATH(name, type) NEEDED(name, name, IN_PATH, type)
#define QUERY(name, type) FIELD(name, name, IN_QUERY, type)
#define BODY(name, type) FIELD(name, name, IN_BODY, type)
#define PAGED QUERY("page_id", TEXT), QUERY("limit", INTEGER)
#define AS_IN_V1 NULL /* the description is that of the V1 row with the same name */
#define LAST {NULL, NULL, OH_IN_BODY, OH_TEXT, false}

#endif
