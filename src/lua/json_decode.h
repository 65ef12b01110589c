/* JSON -> Lua values: our own reader for answers, since they come from strangers. Lua layer. */
#ifndef OH_JSON_DECODE_H
#define OH_JSON_DECODE_H

#include <stddef.h>

#include "lua/compat.h"
#include "wire/json_scan.h"

/* Pushes the value of the text, or nothing if the result is not OH_SCAN_WHOLE; OH_SCAN_CAPACITY never comes. Null is absent
   in objects and core.null elsewhere; whole numbers are integers where the Lua has them, and a string of their digits
   beyond what it holds exactly; of two members of one name the last counts. `most_memory`: bytes that the value may
   take. Nothing is made before the whole text is known to be JSON. Raises when memory ends, or what a finalizer or hook
   of the host's raises; the text stays as it is, and can be read again. */
enum oh_json_scan_result oh_json_decode(lua_State *L, const char *text, size_t length, size_t most_memory);

#endif
