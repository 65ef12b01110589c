/* Terminals, for Lua. */
#include "lua/terminal.h"

#include "os/terminal.h"

/*** Returns whether one of the standard streams is a terminal, and how large that is.
@function terminal
@tparam number descriptor 0: standard input, 1: standard output, 2: standard error
@treturn boolean is_terminal
@treturn number columns; 0: not known, or no terminal
@treturn number rows; 0: not known, or no terminal */
static int l_terminal(lua_State *L)
{
    lua_Integer descriptor = luaL_checkinteger(L, 1);
    struct oh_terminal_size size = {0, 0};
    bool is_terminal;

    luaL_argcheck(L, descriptor >= 0 && descriptor <= 2, 1, "not a standard stream: 0, 1 or 2");
    is_terminal = oh_terminal_is_at((int)descriptor);
    if (is_terminal)
        size = oh_terminal_size((int)descriptor);
    lua_pushboolean(L, is_terminal);
    lua_pushinteger(L, size.columns);
    lua_pushinteger(L, size.rows);
    return 3;
}

void oh_terminal_add_functions(lua_State *L)
{
    lua_pushcfunction(L, l_terminal);
    lua_setfield(L, -2, "terminal");
}
