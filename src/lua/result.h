/* The result of an exchange as Lua gets it: a value, or nil and an error table. Lua layer. */
#ifndef OH_RESULT_H
#define OH_RESULT_H

#include <stdbool.h>

#include "http/exchange.h"
#include "lua/compat.h"
#include "wire/secret.h"

/* Pushes the value (returns 1), or nil and an error table, redacted (returns 2); or nothing (returns 0) if the answer
   is long and there is more to read: the caller gives the host a turn and calls again. The client is at stack index 1.
   Adds the session keys in the response to the secrets. Borrows the exchange; finishes its download and may set the
   reason of its response. Raises only when out of memory, or for a finalizer or a hook that raises. */
int oh_result_push(lua_State *L, struct oh_exchange *exchange, struct oh_secrets *secrets);
/* Pushes the next complete element of a stream, in flight or finished (returns 1), or nothing (returns 0). */
int oh_result_push_element(lua_State *L, struct oh_exchange *exchange, struct oh_secrets *secrets);
/* Pushes nil and the error of a call that cannot be sent; returns 2. */
int oh_result_push_refusal(lua_State *L, const char *kind, const char *operation, const char *api, const char *reason);

#endif
