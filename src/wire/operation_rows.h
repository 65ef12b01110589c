/* The macros that operations_v0.c, operations_v1.c and operations_agent.c are written with. */
#ifndef OH_OPERATION_ROWS_H
#define OH_OPERATION_ROWS_H

#include "wire/operations.h"

/* Default timeouts of an exchange, in seconds. */
#define QUICK 30.0      /* most calls */
#define SCANNING 120.0  /* reads that scan a long history; uploads */
#define THINKING 150.0  /* starts (the service itself waits up to 120 s for a sandbox); calls that wait for the model */
#define STREAMING 900.0 /* starts that report their progress, perhaps with minutes between two reports */
#define CARRYING 3600.0 /* downloads; one that stalls ends sooner */

/* A field by its names in Lua and on the wire; PATH, QUERY and BODY use one name for both. */
#define FIELD(name, wire, place, type) {name, wire, OH_##place, OH_##type, false}
#define NEEDED(name, wire, place, type) {name, wire, OH_##place, OH_##type, true}
#define PATH(name, type) NEEDED(name, name, IN_PATH, type)
#define QUERY(name, type) FIELD(name, name, IN_QUERY, type)
#define BODY(name, type) FIELD(name, name, IN_BODY, type)
#define PAGED QUERY("page_id", TEXT), QUERY("limit", INTEGER)
#define AS_IN_V1 NULL /* the description is that of the V1 row with the same name */
#define LAST {NULL, NULL, OH_IN_BODY, OH_TEXT, false}

#endif
