/*
 * A C program with a loop of its own and a Lua inside: it starts a conversation and asks how it stands without ever
 * waiting for it, closes the Lua state in the middle of exchanges, and lives on.
 *
 *   cc -o embedding examples/embedding.c -Wl,-E $(pkg-config --cflags --libs lua5.4)     or lua5.1 ... luajit
 *   eval "$(make -s env LUA=lua5.4)"                                                     unless it is installed
 *   OPENHANDS_API_KEY=... ./embedding                                                    starts a paid conversation
 *
 * OPENHANDS_BASE_URL names another service: the simulator, say. The service's newer dialect, V1, is taken for granted.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* What the program wants of the service, as functions that never wait. What does is behind the one descriptor. */
static const char workflow[] =
    "local core = require 'openhands.core'\n"
    "local openhands = require 'openhands'\n"
    "local client = core.new {\n"
    "  base_url = os.getenv 'OPENHANDS_BASE_URL' or 'https://app.all-hands.dev',\n"
    "  api_key = os.getenv 'OPENHANDS_API_KEY',\n"
    "}\n"
    "local id = openhands.uuid() -- write it down first: it finds the conversation even if the answer is lost\n"
    "local told, looks, over = {}, 0, false\n"
    "\n"
    "local function ask(operation, fields, tell)\n"
    "  local number, err = core[operation](client, fields, { api = 'v1' })\n"
    "  if number then told[number] = tell else tell(nil, err) end\n"
    "end\n"
    "local function look()\n"
    "  ask('status', id, function(value, err)\n"
    "    looks = looks + 1\n"
    "    print(value and 'asked how it stands' or 'cannot be asked: ' .. err.kind)\n"
    "    if value and looks < 3 then look() else over = true end\n"
    "  end)\n"
    "end\n"
    "\n"
    "function descriptor() return client:pollfd() end\n"
    "function begin()\n"
    "  ask('start', { initial_user_msg = 'Say hello.', conversation_id = id }, function(value, err)\n"
    "    print(value and 'started a conversation' or 'not started: ' .. err.kind)\n"
    "    if value then look() else over = true end\n"
    "  end)\n"
    "end\n"
    "function turn() -- moves everything on, and says whether all is done\n"
    "  client:step(0)\n"
    "  local number, value, err = client:next()\n"
    "  while number do\n"
    "    local tell = told[number]\n"
    "    told[number] = nil\n"
    "    tell(value, err)\n"
    "    number, value, err = client:next()\n"
    "  end\n"
    "  return over\n"
    "end\n"
    "function leave() -- exchanges that nobody will see the end of\n"
    "  for _ = 1, 3 do ask('status', id, print) end\n"
    "  local count = client:in_flight()\n"
    "  client:step(0)\n"
    "  return count\n"
    "end\n";

/* Where nothing else is to be done meanwhile the short way will do: it sleeps until there is an answer, never for more
   than a tenth of a second at a time. */
static const char short_way[] =
    "local openhands = require 'openhands'\n"
    "local client = openhands.new { api = 'v1', deadline = 1, retries = 0 }\n"
    "local conversation, err = client:start { initial_user_msg = 'Say hello again.' }\n"
    "print('a second state: ' .. (conversation and conversation.state or err.kind))\n"
    "client:close()\n";

static void fail(lua_State *L)
{
    const char *message = lua_tostring(L, -1);

    fprintf(stderr, "embedding: %s\n", message != NULL ? message : "an error that is no text");
    exit(1);
}

/* A state with its libraries, in which a program has run. */
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

/* Calls one of the workflow's functions; its result is left on the stack. */
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
    watched.fd = lua_isnil(L, -1) ? -1 : (int)lua_tonumber(L, -1); /* step makes it quiet again */
    call(L, "begin");
    while (!over && time(NULL) < given_up_at) {
        int ready = poll(&watched, 1, 10); /* with the program's other descriptors, and its own time-out */

        if (ready > 0 || watched.fd < 0) { /* a system without such a descriptor: look now and then */
            call(L, "turn");
            over = lua_toboolean(L, -1) != 0;
        }
        /* Here the program does its own work, every 10 ms, however long an answer takes. */
    }
    if (!over)
        puts("no answer yet");
    call(L, "leave");
    printf("closing with %d exchanges in flight\n", (int)lua_tonumber(L, -1));
    fflush(stdout);
    lua_close(L); /* whatever is in flight ends here, at once; the conversation itself goes on */

    lua_close(open_state(short_way));
    puts("the end");
    return 0;
}
