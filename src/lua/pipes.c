/* Writes to pipes of Lua's io library, whose `write` ends the process by SIGPIPE if nobody reads the pipe any more. */
#define _POSIX_C_SOURCE 200809L /* fileno */
#include "lua/pipes.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "os/pipe_guard.h"

static bool write_all(int descriptor, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(descriptor, bytes, length);

        if (written >= 0) {
            bytes += written;
            length -= (size_t)written;
        } else if (errno != EINTR)
            return false;
    }
    return true;
}

/*** Writes to a pipe that `io.popen` has opened, past the buffer of the file. Raises no signal.
@function write_to_pipe
@tparam file pipe
@tparam string text
@treturn boolean whether all was written; false: e.g. the process that reads the pipe has ended */
static int l_write_to_pipe(lua_State *L)
{
    FILE *pipe = oh_checkfile(L, 1);
    size_t length;
    const char *text = luaL_checklstring(L, 2, &length);
    struct oh_pipe_guard guard;
    bool is_written;

    oh_pipe_guard_enter(&guard, true);
    is_written = write_all(fileno(pipe), text, length);
    oh_pipe_guard_leave(&guard);
    lua_pushboolean(L, is_written);
    return 1;
}

void oh_pipes_add_functions(lua_State *L)
{
    lua_pushcfunction(L, l_write_to_pipe);
    lua_setfield(L, -2, "write_to_pipe");
}
