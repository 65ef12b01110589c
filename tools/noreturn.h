/* For clang-tidy: tells that these functions do not return, which Lua's headers do not declare. Without it the analyzer
   continues after an error and reports paths that cannot occur. */
#include <lauxlib.h>

__attribute__((noreturn)) int lua_error(lua_State *L);
__attribute__((noreturn)) int luaL_error(lua_State *L, const char *format, ...);
