/*
 * A C program with a loop of its own and an embedded Lua: it starts a conversation and asks for its status without ever
 * blocking, and closes the Lua state while exchanges are in flight. Then it starts another one in the blocking way.
 *
 *   cc -o embedding examples/embedding.c -Wl,-E $(pkg-config --cflags --libs lua5.4)     or lua5.1 ... luajit
 *   eval "$(make -s env LUA=lua5.4)"                                                     unless it is installed
 *   OPENHANDS_API_KEY=... ./embedding                                                    starts two paid conversations
 *
 * Set OPENHANDS_BASE_URL for other services, e.g. the simulator. The service must speak the newer dialect, V1.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The program's work with the service, as functions that never block. One descriptor becomes readable when a step
   is due. */
static const char workflow[] =
    "local core = require 'openhands.core'\n"
    "local openhands = require 'openhands'\n"
    "local client = core.new {\n"
    "  base_url = os.getenv 'OPENHANDS_BASE_URL' or 'https://app.all-hands.dev',\n"
    "  api_key = os.getenv 'OPENHANDS_API_KEY',\n"
    "}\n"
    "local id = openhands.uuid() -- store it first: it finds the conversation even if the response is lost\n"
    "local callbacks, count, is_over = {}, 0, false\n"
    "\n"
    "local function call(operation, fields, callback)\n"
    "  local number, err = core[operation](client, fields, { api = 'v1' })\n"
    "  if number then callbacks[number] = callback else callback(nil, err) end\n"
    "end\n"
    "local function poll()\n"
    "  call('status', id, function(value, err)\n"
    "    count = count + 1\n"
    "    print(value and 'received a status' or 'received no status: ' .. err.kind)\n"
    "    if value and count < 3 then poll() else is_over = true end\n"
    "  end)\n"
    "end\n"
    "\n"
    "function descriptor() return client:pollfd() end\n"
    "function start()\n"
    "  call('start', { initial_user_msg = 'Say hello.', conversation_id = id }, function(value, err)\n"
    "    print(value and 'started a conversation' or 'not started: ' .. err.kind)\n"
    "    if value then poll() else is_over = true end\n"
    "  end)\n"
    "end\n"
    "function step() -- steps the exchanges, calls back, and returns whether all is done\n"
    "  client:step(0)\n"
    "  local number, value, err = client:next()\n"
    "  while number do\n"
    "    local callback = callbacks[number]\n"
    "    callbacks[number] = nil\n"
    "    callback(value, err)\n"
    "    number, value, err = client:next()\n"
    "  end\n"
    "  return is_over\n"
    "end\n"
    "function send_more() -- sends calls that are still in flight when the state is closed, and returns how many\n"
    "  for _ = 1, 3 do call('status', id, print) end\n"
    "  local in_flight = client:in_flight()\n"
    "  client:step(0)\n"
    "  return in_flight\n"
    "end\n";

/* A program with nothing else to do meanwhile can use the blocking way: it sleeps until there is a response, for a
   tenth of a second at a time. */
static const char blocking_way[] =
    "local openhands = require 'openhands'\n"
    "local client = openhands.new { api = 'v1', deadline = 1, retries = 0 }\n"
    "local conversation, err = client:start { initial_user_msg = 'Say hello again.' }\n"
    "print('a second state: ' .. (conversation and conversation.state or err.kind))\n"
    "client:close()\n";

static void fail(lua_State *L)
{
    const char *message = lua_tostring(L, -1);

    fprintf(stderr, "embedding: %s\n", message != NULL ? message : "an error that is not a string");
    exit(1);
}

/* Returns a new Lua state in which a program has run. */
static lua_State *open_state(const char *program)
{
    lua_State *L = luaL_newstate();

    if (L == NULL) {
        fputs("embedding: no memory for a Lua state\n", stderr);
        exit(1);
    }
    luaL_openlibs(L);
    if (luaL_loadstring(L, program) != 0 || lua_pcall(L, 0, 0, 0) != 0)
        fail(L);
    return L;
}

/* Calls one of the workflow's functions and leaves its result on the stack. */
static void call(lua_State *L, const char *function)
{
    lua_settop(L, 0);
    lua_getglobal(L, function);
    if (lua_pcall(L, 0, 1, 0) != 0)
        fail(L);
}

int main(void)
{
    lua_State *L = open_state(workflow);
    struct pollfd watched = {.events = POLLIN};
    bool over = false;
    time_t given_up_at = time(NULL) + 3;

    call(L, "descriptor");
    watched.fd = lua_isnil(L, -1) ? -1 : (int)lua_tonumber(L, -1); /* a step makes it unreadable again */
    call(L, "start");
    while (!over && time(NULL) < given_up_at) {
        int ready = poll(&watched, 1, 10); /* a real program adds its other descriptors here, and its own timeout */

        if (ready > 0 || watched.fd < 0) { /* no descriptor on this system: step every 10 ms */
            call(L, "step");
            over = lua_toboolean(L, -1) != 0;
        }
        /* Here the program does its own work, every 10 ms, however long a response takes. */
    }
    if (!over)
        puts("no response yet");
    call(L, "send_more");
    printf("closing with %d exchanges in flight\n", (int)lua_tonumber(L, -1));
    fflush(stdout);
    lua_close(L); /* aborts the exchanges in flight at once; the conversation goes on */

    lua_close(open_state(blocking_way));
    puts("the end");
    return 0;
}
