/* Redacts Lua values that come from outside, so that they can be shown; redact.h does it for one text. Lua layer. */
#ifndef OH_REDACT_VALUES_H
#define OH_REDACT_VALUES_H

#include "lua/compat.h"
#include "wire/redact.h"

/* Pushes the text without secrets, at most `most` bytes of it; raises only when out of memory. */
void oh_redact_values_push_text(lua_State *L, const struct oh_secrets *known, const char *text, size_t length,
                                enum oh_redact_form form, size_t most);
/* Pushes a redacted copy of the value at `index`: see core.redact. */
void oh_redact_values_push(lua_State *L, const struct oh_secrets *known, int index);
/* Implement core.redact and core.redact_line, and the client's methods of these names; the arguments begin at
   `index`. */
int oh_redact_values_redact(lua_State *L, const struct oh_secrets *known, int index);
int oh_redact_values_line(lua_State *L, const struct oh_secrets *known, int index);
/* Adds `redact` and `redact_line` to the table on top of the stack. */
void oh_redact_values_add_functions(lua_State *L);

#endif
