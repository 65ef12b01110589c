/* Answers that are too long to be read at once: each is read in slices of time, so that the host goes on meanwhile.
   Lua layer. */
#ifndef OH_LONG_ANSWER_H
#define OH_LONG_ANSWER_H

#include <stdbool.h>

#include "lua/client.h"
#include "lua/compat.h"
#include "wire/json_scan.h"

/* Bytes of the longest body that is read at once: about two milliseconds on a slow machine. */
#define OH_LONG_ANSWER 262144
/* Seconds of a slice. A host that draws 60 frames a second has 16 ms for each. The last values of a slice and the
   collector may make it take several times as long, so shorter slices would help little, and cost more turns of the
   host's loop. */
#define OH_LONG_ANSWER_SLICE 0.001

/* Returns whether the body of a finished exchange is read in slices. */
static inline bool oh_is_long_answer(const struct oh_exchange *exchange)
{
    return exchange->response.length > OH_LONG_ANSWER;
}

/* Decodes the body of a finished exchange of the client at stack index 1, from where the last call paused, until the
   monotonic time `until`. Returns as oh_json_decode does, and OH_SCAN_PAUSED if there is more to read. */
enum oh_json_scan_result oh_long_answer_read(lua_State *L, struct oh_exchange *exchange, double until);
/* Forgets what has been read of an exchange of the client at stack index 1. Raises nothing. */
void oh_long_answer_forget(lua_State *L, const struct oh_exchange *exchange);
/* Forgets what has been read of all exchanges of the client at stack index 1. Raises nothing. */
void oh_long_answer_forget_all(lua_State *L, struct oh_client *client);

#endif
