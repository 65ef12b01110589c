/* A Lua module: a function that returns how many bytes malloc has given out and not got back, of all allocators of the C
   library. For glibc from 2.33 on. */
#include <malloc.h>

#include <lauxlib.h>
#include <lua.h>

static int allocated(lua_State *L)
{
    struct mallinfo2 info = mallinfo2();

    lua_pushnumber(L, (lua_Number)info.uordblks + (lua_Number)info.hblkhd);
    return 1;
}

int luaopen_allocated(lua_State *L)
{
    lua_pushcfunction(L, allocated);
    return 1;
}
