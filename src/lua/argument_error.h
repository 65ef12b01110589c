/* The caller's mistakes, raised so that Lua can tell them from every other error. Lua layer. */
#ifndef OH_ARGUMENT_ERROR_H
#define OH_ARGUMENT_ERROR_H

#include "lua/compat.h"

/* Makes the mark; once per Lua state. */
void oh_argument_error_open(lua_State *L);
/* Raises a mistake; `format` takes what lua_pushfstring does. */
int oh_argument_error_raise(lua_State *L, const char *format, ...);
/* Raises the text on top of the stack as one. */
int oh_argument_error_raise_text(lua_State *L);
/* For Lua: the text of a mistake, or nil for what anything else has raised. */
int oh_argument_error_text(lua_State *L);

#endif
