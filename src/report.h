/* From a finished exchange to what Lua gets: a value, or nil and an error table. Lua layer. */
#ifndef OH_REPORT_H
#define OH_REPORT_H

#include <stdbool.h>

#include "compat.h"
#include "exchange.h"

/* Pushes the value (returns 1), or nil and an error table (returns 2). The exchange stays as it is, but for the key,
   which is masked in what an error quotes, and a download, which is finished. Raises only when memory ends. */
int oh_report(lua_State *L, int shared, struct oh_exchange *exchange, const char *api_key);
/* Pushes the next whole element of a stream, in flight or finished (returns 1), or nothing (returns 0). */
int oh_report_element(lua_State *L, int shared, struct oh_exchange *exchange);
/* Pushes nil and the error of a call that cannot be sent; returns 2. */
int oh_report_refusal(lua_State *L, const char *kind, const char *operation, const char *api, const char *reason);

#endif
