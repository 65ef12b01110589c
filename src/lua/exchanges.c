/* The exchanges of a client, for Lua. An answer stays with its exchange until Lua has all of it, so that an error
   (Ctrl-C, no memory) loses no answer. */
#include "lua/exchanges.h"

#include "lua/client.h"
#include "lua/long_answer.h"
#include "lua/result.h"
#include "wire/headers.h"
#include "wire/operations.h"

/*** Advances all exchanges.
@function step
@tparam[opt=0] number seconds to wait at most; one call never waits longer than 0.1, so that signals are noticed */
static int l_step(lua_State *L)
{
    struct oh_client *client = oh_client_check_by(L, lua_upvalueindex(1));
    double seconds = luaL_optnumber(L, 2, 0);

    oh_multi_step(&client->multi, seconds > 0 ? seconds : 0);
    return 0;
}

/* Returns the oldest finished exchange with a short answer; if all answers are long, the one whose slice is next; NULL
   if none has finished. */
static struct oh_exchange *choose(struct oh_multi *multi)
{
    struct oh_exchange *first = oh_multi_done(multi), *exchange = first;

    while (exchange != NULL && oh_is_long_answer(exchange))
        exchange = exchange->next;
    return exchange != NULL ? exchange : first;
}

/* Pushes what `next` returns for a finished exchange, and frees it unless it is kept. Pushes nothing if its answer is
   long and there is more to read, or if there is no exchange: a debug hook may take it before the client is held.
   The client is at stack index 1. */
static int take(lua_State *L, struct oh_client *client, struct oh_exchange *exchange, bool keeps)
{
    double date;

    if (exchange == NULL)
        return 0;
    lua_settop(L, 1);
    luaL_checkstack(L, 16, "next");
    oh_client_keep_secret(L, client, exchange->api_key);
    oh_client_keep_secret(L, client, exchange->session_api_key);
    lua_pushinteger(L, (lua_Integer)exchange->number);
    if (oh_result_push(L, exchange, &client->secrets) == 0) {
        oh_multi_postpone(&client->multi, exchange); /* other long answers have their turn, too */
        return 0;
    }
    lua_settop(L, 4); /* the client, the number, a value, an error or nil */
    date = exchange->server == NULL ? oh_headers_date(exchange->response.date) : -1;
    if (date >= 0)
        oh_pushwhole(L, date);
    if (!keeps)
        oh_multi_release(&client->multi, exchange); /* last: an error before it loses nothing */
    return date >= 0 ? 4 : 3;
}

/* Takes one of the finished exchanges. */
static int l_take_next(lua_State *L)
{
    struct oh_client *client = lua_touserdata(L, 1);

    return take(L, client, choose(&client->multi), lua_type(L, 2) == LUA_TNUMBER);
}

/*** Takes the oldest finished exchange; those with short answers come first.
@function next
@tparam[opt] number taken the number that the last call returned, or 0 at first: an exchange is then returned again
  until its number is given here, so that an error of the host (e.g. Ctrl-C) loses no answer. nil: each is returned once
@treturn[1] number the exchange's number
@return[1] the decoded answer
@treturn[2] number the exchange's number
@treturn[2] nil
@treturn[2] table error, without a metatable
@treturn[3] nil when none has finished, or when a long answer has arrived but is not decoded to its end yet: then
  `timeout` is 0; give the host a turn and call `next` again, which goes on decoding
A fourth value is the time of the service's answer in seconds since 1970, if it has a valid Date header. */
static int l_next(lua_State *L)
{
    struct oh_client *client = oh_client_check_by(L, lua_upvalueindex(2));
    struct oh_exchange *taken = NULL;

    lua_settop(L, 2);
    if (client->multi.done.first != NULL && lua_type(L, 2) == LUA_TNUMBER)
        taken = oh_multi_find_done(&client->multi, (uint64_t)lua_tonumber(L, 2));
    if (taken != NULL)
        oh_multi_release(&client->multi, taken);
    if (client->multi.done.first == NULL)
        return 0;
    lua_pushvalue(L, lua_upvalueindex(1)); /* l_take_next, which holds the client */
    lua_insert(L, 1);
    lua_call(L, 2, LUA_MULTRET);
    return lua_gettop(L);
}

static uint64_t check_number(lua_State *L)
{
    lua_Number number = luaL_checknumber(L, 2);

    luaL_argcheck(L, number >= 1 && number <= OH_LARGEST_EXACT && number == (lua_Number)(uint64_t)number, 2,
                  "not the number of an exchange");
    return (uint64_t)number;
}

/* Takes the finished exchange whose number is at stack index 2. */
static int l_take_finished(lua_State *L)
{
    struct oh_client *client = lua_touserdata(L, 1);

    return take(L, client, oh_multi_find_done(&client->multi, (uint64_t)lua_tonumber(L, 2)), false);
}

/*** Advances all exchanges for at most 0.1 seconds, and takes one of them: `step` and `next` at once, for a caller that
waits for nothing else.
@function finish
@tparam number number of the exchange
@return as `next` for this exchange; nothing if it has not finished, or if its answer is long: then `next` returns it */
static int l_finish(lua_State *L)
{
    struct oh_client *client = oh_client_check_by(L, lua_upvalueindex(2));
    uint64_t number = check_number(L);
    const struct oh_exchange *exchange;

    lua_settop(L, 2);
    oh_multi_step(&client->multi, OH_LONGEST_STEP);
    exchange = oh_multi_find_done(&client->multi, number);
    if (exchange == NULL || oh_is_long_answer(exchange))
        return 0;
    lua_pushvalue(L, lua_upvalueindex(1)); /* l_take_finished, which holds the client */
    lua_insert(L, 1);
    lua_call(L, 2, LUA_MULTRET);
    return lua_gettop(L);
}

/*** Takes the next complete element of a list that is still arriving (operations whose shape is "stream").
@function take
@tparam number number of the exchange, in flight or finished, until `next` returns it
@treturn table|nil nil: none is complete, or those taken from this answer need more than 4 MiB of memory; all elements,
  also those taken here, are in the list that `next` returns */
static int l_take(lua_State *L)
{
    struct oh_client *client = lua_touserdata(L, 1);
    uint64_t number = check_number(L);
    struct oh_exchange *exchange = oh_multi_find(&client->multi, number);

    if (exchange == NULL) /* e.g. cut off in the middle: the elements before the cut are still good */
        exchange = oh_multi_find_done(&client->multi, number);
    return exchange != NULL ? oh_result_push_element(L, exchange, &client->secrets) : 0;
}

/*** Returns how much of an answer has arrived.
@function progress
@tparam number number of the exchange
@treturn number|nil bytes so far; nil when it is not in flight
@treturn number|nil bytes in all, where the service says it */
static int l_progress(lua_State *L)
{
    struct oh_client *client = oh_client_check(L);
    const struct oh_exchange *exchange = oh_multi_find(&client->multi, check_number(L));
    double expected;

    if (exchange == NULL)
        return 0;
    expected = oh_exchange_expected(exchange);
    oh_pushwhole(L, oh_exchange_arrived(exchange));
    if (expected < 0)
        return 1;
    oh_pushwhole(L, expected);
    return 2;
}

/* Stops decoding a long answer if the operation only reads. The answer to a write is decoded to its end: it tells what
   was done. Returns whether it stopped. */
static bool stop_reading(lua_State *L, struct oh_client *client, uint64_t number)
{
    struct oh_exchange *exchange = oh_multi_find_done(&client->multi, number);

    if (exchange == NULL || !oh_is_long_answer(exchange) ||
        ((const struct oh_operation *)exchange->operation)->effect != OH_READS)
        return false;
    oh_long_answer_forget(L, exchange);
    oh_exchange_give_up(exchange, OH_RESULT_CANCELLED);
    return true;
}

/*** Ends an exchange at once; `next` will return it with an error of kind `cancelled`.
@function cancel
@tparam number number of the exchange
@treturn boolean true if it was still in flight; also true if its operation only reads, and `next` had not returned its
  long answer yet */
static int l_cancel(lua_State *L)
{
    struct oh_client *client = oh_client_check(L);
    uint64_t number = check_number(L);

    lua_pushboolean(L, oh_multi_cancel(&client->multi, number) || stop_reading(L, client, number));
    return 1;
}

/*** Counts the exchanges that are not finished.
@function in_flight
@treturn number exchanges that have not finished
@treturn boolean whether `next` has any to return */
static int l_in_flight(lua_State *L)
{
    const struct oh_client *client = oh_client_check(L);

    lua_pushinteger(L, (lua_Integer)client->multi.unfinished_count);
    lua_pushboolean(L, client->multi.done.first != NULL);
    return 2;
}

/* Adds a method with two upvalues: the function that takes an exchange while the client is held, and the metatable. */
static void add_taking(lua_State *L, const char *name, lua_CFunction method, lua_CFunction taking)
{
    lua_pushcfunction(L, taking);
    oh_client_make_exclusive(L);
    luaL_getmetatable(L, OH_CLIENT);
    lua_pushcclosure(L, method, 2);
    lua_setfield(L, -2, name);
}

void oh_exchanges_add_methods(lua_State *L, int shared)
{
    static const luaL_Reg methods[] = {
        {"progress", l_progress}, {"cancel", l_cancel}, {"in_flight", l_in_flight}, {NULL, NULL},
    };
    static const luaL_Reg exclusive[] = {
        {"take", l_take}, {NULL, NULL},
    };

    oh_setfuncs(L, methods, 0);
    luaL_getmetatable(L, OH_CLIENT);
    lua_pushcclosure(L, l_step, 1);
    lua_setfield(L, -2, "step");
    oh_client_add_exclusive(L, exclusive, shared);
    add_taking(L, "next", l_next, l_take_next);
    add_taking(L, "finish", l_finish, l_take_finished);
}
