/* Lets a host wait for clients. Either its event loop watches one descriptor of each client (the pollable protocol of
   cqueues: pollfd, events, timeout), or it sleeps in `poll` until one of several clients needs a step. */
#include "lua/host_wait.h"

#include <poll.h>

#include "lua/client.h"

#define LONGEST_ALARM 1e9 /* seconds */

/*** Returns the one descriptor to poll for the whole client.
@function pollfd
@treturn number|nil nil: the system has no such descriptor, or refuses to open one; call `step` from a timer instead */
static int l_pollfd(lua_State *L)
{
    int descriptor = oh_multi_descriptor(&oh_client_check(L)->multi);

    if (descriptor < 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, descriptor);
    return 1;
}

/*** Returns what to poll the descriptor for.
@function events
@treturn string "r": it is only ever polled for reading */
static int l_events(lua_State *L)
{
    (void)oh_client_check(L);
    lua_pushliteral(L, "r");
    return 1;
}

/*** Returns when `step` is due even if the descriptor does not become readable.
@function timeout
@treturn number|nil seconds from now; nil: never */
static int l_timeout(lua_State *L)
{
    double seconds = oh_multi_timeout(&oh_client_check(L)->multi);

    if (seconds < 0)
        lua_pushnil(L);
    else
        lua_pushnumber(L, seconds);
    return 1;
}

/*** Sets the client's one alarm, for hosts that can only watch a descriptor. When it goes off, the descriptor becomes
readable and `timeout` is 0; the next `step` clears it.
@function alarm
@tparam[opt] number seconds from now, at most 1e9; nil: no alarm. Replaces an earlier alarm */
static int l_alarm(lua_State *L)
{
    struct oh_client *client = oh_client_check(L);
    double seconds = luaL_optnumber(L, 2, -1);

    luaL_argcheck(L, lua_isnoneornil(L, 2) || (seconds >= 0 && seconds <= LONGEST_ALARM), 2,
                  "not a number of seconds");
    oh_multi_alarm(&client->multi, seconds);
    return 0;
}

/*** Sleeps until one of several clients needs a `step`, the time is over or a signal has arrived. Steps none of them.
It may return early while a client without a descriptor, or an `external` client, has exchanges in flight.
@function poll
@tparam table clients list of clients; with an empty list it just sleeps. Raises, as `step` does, for a client
  that cannot be used
@tparam[opt=0] number seconds to sleep at most; one call never sleeps longer than 0.1, so that signals are noticed */
static int l_poll(lua_State *L)
{
    struct pollfd few[64], *watched = few;
    double seconds = luaL_optnumber(L, 2, 0);
    size_t i, count, found = 0;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    count = oh_rawlen(L, 1);
    if (count > sizeof few / sizeof few[0])
        watched = lua_newuserdata(L, count * sizeof *watched); /* owned by Lua: stays on the stack */
    seconds = seconds > OH_LONGEST_STEP ? OH_LONGEST_STEP : seconds > 0 ? seconds : 0;
    for (i = 0; i < count; i++) {
        struct oh_client *client;
        lua_rawgeti(L, 1, (int)i + 1);
        client = oh_testudata(L, -1, OH_CLIENT);
        if (client == NULL)
            return luaL_argerror(L, 1, lua_pushfstring(L, "[%d] is not a client", (int)i + 1));
        watched[found].fd = oh_multi_limit_sleep(&oh_client_check_usable(L, client)->multi, &seconds);
        watched[found].events = POLLIN;
        found += watched[found].fd >= 0 ? 1 : 0;
        lua_pop(L, 1);
    }
    oh_readiness_sleep(watched, found, seconds);
    return 0;
}

void oh_host_wait_add_methods(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"pollfd", l_pollfd}, {"events", l_events}, {"timeout", l_timeout}, {"alarm", l_alarm}, {NULL, NULL},
    };

    oh_setfuncs(L, methods, 0);
}

void oh_host_wait_add_functions(lua_State *L)
{
    lua_pushcfunction(L, l_poll);
    lua_setfield(L, -2, "poll");
}
