/* Answers that are read in slices. The user value of the client's userdata is a table from the number of an exchange to
   its reader. A reader consists only of memory of Lua (json_decode.c), so a client that is collected leaves nothing. */
#include "lua/long_answer.h"

#include "lua/json_decode.h"

/* Pushes the client's table of readers, or nil. */
static void push_readers(lua_State *L, const struct oh_client *client)
{
    if (client->reading)
        oh_getuservalue(L, 1);
    else
        lua_pushnil(L);
}

/* Pushes the reader of an exchange; a new one if it has none. */
static void push_reader(lua_State *L, struct oh_client *client, struct oh_exchange *exchange)
{
    push_readers(L, client);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        oh_setuservalue(L, 1);
        client->reading = true;
    }
    lua_pushnumber(L, (lua_Number)exchange->number);
    lua_rawget(L, -2);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        oh_json_slices_push(L, exchange->response.body, exchange->response.length, exchange->most_memory);
        lua_pushnumber(L, (lua_Number)exchange->number);
        lua_pushvalue(L, -2);
        lua_rawset(L, -4);
    }
    lua_remove(L, -2);
}

enum oh_json_scan_result oh_long_answer_read(lua_State *L, struct oh_exchange *exchange, double until)
{
    struct oh_client *client = lua_touserdata(L, 1);
    enum oh_json_scan_result result;

    push_reader(L, client, exchange);
    result = oh_json_slices_step(L, &client->secrets, until);
    if (result != OH_SCAN_PAUSED)
        oh_long_answer_forget(L, exchange);
    return result;
}

void oh_long_answer_forget(lua_State *L, const struct oh_exchange *exchange)
{
    push_readers(L, lua_touserdata(L, 1));
    if (!lua_isnil(L, -1)) {
        lua_pushnumber(L, (lua_Number)exchange->number);
        lua_rawget(L, -2);
        if (!lua_isnil(L, -1)) { /* the key exists: to set it takes no memory */
            lua_pushnumber(L, (lua_Number)exchange->number);
            lua_pushnil(L);
            lua_rawset(L, -4);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

void oh_long_answer_forget_all(lua_State *L, struct oh_client *client)
{
    if (!client->reading)
        return;
    client->reading = false;
#if LUA_VERSION_NUM < 502
    lua_pushvalue(L, LUA_GLOBALSINDEX); /* the user value must be a table */
#else
    lua_pushnil(L);
#endif
    oh_setuservalue(L, 1);
}
