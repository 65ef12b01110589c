/* From a finished exchange to what Lua gets: a value, or nil and an error table. Lua layer. */
#ifndef OH_RESULT_H
#define OH_RESULT_H

#include <stdbool.h>

#include "lua/compat.h"
#include "http/exchange.h"
#include "wire/secret.h"

/* Pushes the value (returns 1), or nil and an error table, clean of what is known and what looks like a secret (returns
   2). Session keys in a value are known from now on. The exchange stays as it is, but for a download, which is finished.
   Raises only when memory ends. */
int oh_result_push(lua_State *L, struct oh_exchange *exchange, struct oh_secrets *secrets);
/* Pushes the next whole element of a stream, in flight or finished (returns 1), or nothing (returns 0). */
int oh_result_push_element(lua_State *L, struct oh_exchange *exchange);
/* Pushes nil and the error of a call that cannot be sent; returns 2. */
int oh_result_push_refusal(lua_State *L, const char *kind, const char *operation, const char *api, const char *reason);

#endif
