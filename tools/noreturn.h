/* For clang-tidy: what Lua's headers do not say, that these do not return. Without it the analyzer goes on after an
   error and finds what cannot be. */
#include <lauxlib.h>

__attribute__((noreturn)) int lua_error(lua_State *L);
__attribute__((noreturn)) int luaL_error(lua_State *L, const char *format, ...);
