/* Decodes JSON into Lua values, with bounds: answers come from outside. Lua layer. */
#ifndef OH_JSON_DECODE_H
#define OH_JSON_DECODE_H

#include <stddef.h>

#include "lua/compat.h"
#include "wire/json_scan.h"
#include "wire/secret.h"

/* Pushes the value of the text, or nothing if the result is not OH_SCAN_WHOLE. Never returns OH_SCAN_NEEDS_CAPACITY
   or OH_SCAN_PAUSED. In objects, null is an absent member; elsewhere it is core.null. Whole numbers are integers where
   Lua has them, and a string of their digits where Lua cannot hold them exactly. If members share a name, the last one
   counts. `memory`: bytes that the value may take; afterwards what it leaves of them. `secrets`: gets the session keys
   in the text. Makes no value before the whole text is known to be JSON. Borrows the text, which can be decoded again.
   Raises when out of memory, and passes on the errors of finalizers and hooks of the host. */
enum oh_json_scan_result oh_json_decode(lua_State *L, const char *text, size_t length, size_t *memory,
                                        struct oh_secrets *secrets);

/* The same in slices of time. Pushes a reader: a table that holds all that is kept between two slices. Borrows the text
   until the last slice. */
void oh_json_slices_push(lua_State *L, const char *text, size_t length, size_t most_memory);
/* Reads on until the monotonic time `until`. Takes the reader from the top of the stack. OH_SCAN_PAUSED: there is more
   to read, push the same reader and call again. Any other result is the one of oh_json_decode. After an error that it
   raised or passed on, the next call with the reader begins the text anew. */
enum oh_json_scan_result oh_json_slices_step(lua_State *L, struct oh_secrets *secrets, double until);

#endif
