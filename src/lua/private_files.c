/* Files and directories that only their owner may read, for Lua. */
#include "lua/private_files.h"

#include <errno.h>
#include <string.h>

#include "os/private_file.h"

/* Calls a function with the path that is the first argument, and pushes its result. */
static int push_result(lua_State *L, bool (*make)(const char *path))
{
    size_t length;
    const char *path = luaL_checklstring(L, 1, &length);
    int reason;

    if (strlen(path) != length)
        return luaL_argerror(L, 1, "has a zero byte");
    if (make(path)) {
        lua_pushboolean(L, 1);
        return 1;
    }
    reason = errno; /* a push may change it */
    lua_pushnil(L);
    lua_pushstring(L, strerror(reason));
    return 2;
}

/*** Creates an empty file of mode 0600, whatever the umask, or takes the permissions of others away from one that exists.
@function private_file
@tparam string path
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string reason */
static int l_private_file(lua_State *L)
{
    return push_result(L, oh_private_file);
}

/*** Takes the permissions of others away from a file, unless it is missing or another user's.
@function restrict_file
@tparam string path
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string reason */
static int l_restrict_file(lua_State *L)
{
    return push_result(L, oh_private_restrict);
}

/*** Creates a directory of mode 0700, whatever the umask; leaves one that exists as it is.
@function private_directory
@tparam string path
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string reason */
static int l_private_directory(lua_State *L)
{
    return push_result(L, oh_private_directory);
}

void oh_private_files_add_functions(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"private_file", l_private_file},
        {"private_directory", l_private_directory},
        {"restrict_file", l_restrict_file},
        {NULL, NULL},
    };

    oh_setfuncs(L, functions, 0);
}
