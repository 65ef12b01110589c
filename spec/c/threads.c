/*
 * Runs many Lua states in many threads at once. Each state has a client of its own, which it creates, uses briefly, and
 * closes or collects with exchanges in flight. tools/tsan.sh links it with the core and runs it under ThreadSanitizer.
 *
 *   threads [STATES [THREADS]]      STATES in each thread; default: 1000 states, 8 threads
 *
 * The server is a process of its own, with two ports: on one it responds, on the other it only reads.
 * The last line is `N passed, N failed`, in states.
 */
#include <arpa/inet.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int luaopen_openhands_core(lua_State *L);

#define MOST_THREADS 64
#define MOST_PEERS 1024

/* ---- the server ----------------------------------------------------------------------------------------------- */

struct listener {
    int socket;
    unsigned port;
};

static bool listen_on(struct listener *listener)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    listener->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (listener->socket < 0 || bind(listener->socket, (struct sockaddr *)&address, length) != 0 ||
        listen(listener->socket, 1024) != 0 ||
        getsockname(listener->socket, (struct sockaddr *)&address, &length) != 0)
        return false;
    listener->port = ntohs(address.sin_port);
    return true;
}

/* Answers one request, which is short and arrives in one piece. Returns false when the peer has closed. */
static bool serve_peer(int peer, bool answers)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n"
                                 "{\"id\":\"is here\"}";
    char bytes[4096];
    ssize_t count = recv(peer, bytes, sizeof bytes, 0);

    return count > 0 && (!answers || send(peer, answer, sizeof answer - 1, MSG_NOSIGNAL) > 0);
}

/* Serves until the other end of the pipe is closed. */
static void serve(int pipe_end, const struct listener *answering, const struct listener *silent)
{
    static struct pollfd watched[MOST_PEERS];
    static bool answers[MOST_PEERS];
    nfds_t count = 3, i;

    watched[0].fd = pipe_end;
    watched[1].fd = answering->socket;
    watched[2].fd = silent->socket;
    for (;;) {
        for (i = 0; i < count; i++)
            watched[i].events = POLLIN;
        if (poll(watched, count, -1) < 0 || watched[0].revents != 0)
            return;
        for (i = count; i-- > 3;) {
            if (watched[i].revents == 0 || serve_peer(watched[i].fd, answers[i]))
                continue;
            close(watched[i].fd);
            watched[i] = watched[--count];
            answers[i] = answers[count];
        }
        for (i = 1; i <= 2; i++) {
            if (watched[i].revents == 0 || count == MOST_PEERS)
                continue;
            watched[count].fd = accept(watched[i].fd, NULL, NULL);
            answers[count] = i == 1;
            count += watched[count].fd >= 0 ? 1 : 0;
        }
    }
}

/* ---- the states ----------------------------------------------------------------------------------------------- */

/* The program of each state. Takes the number of the state and the two addresses; raises if something is wrong.
   Exchanges left in flight end with the state. */
static const char program[] =
    "local number, answering, silent = ...\n"
    "local core = require 'openhands.core'\n"
    "local function open(address)\n"
    "  local client = core.new { base_url = address, api_key = 'any' }\n"
    "  local exchange = assert(core.me(client, nil, { api = 'v1', timeout = 60 }))\n"
    "  return client, exchange\n"
    "end\n"
    "local function turn(client, times)\n"
    "  for _ = 1, times do client:step(0.001) end\n"
    "end\n"
    "local function take(client, exchange)\n"
    "  for _ = 1, 1000 do\n"
    "    if client:in_flight() == 0 then break end\n"
    "    core.poll({ client }, 0.1)\n"
    "    client:step(0.1)\n"
    "  end\n"
    "  local finished, value, err = client:next()\n"
    "  assert(finished == exchange and value and value.id == 'is here', err and err.message or 'another answer')\n"
    "end\n"
    "local ways = {\n"
    "  function() take(open(answering)) end,\n"
    "  function() turn(open(answering), 2) end,\n"
    "  function() turn(open(silent), 2) end,\n"
    "  function()\n"
    "    local client, exchange = open(silent)\n"
    "    turn(client, 2)\n"
    "    assert(client:cancel(exchange))\n"
    "    assert(select(3, client:next()).kind == 'cancelled')\n"
    "    client:close()\n"
    "  end,\n"
    "  function()\n"
    "    turn(open(silent), 2)\n"
    "    collectgarbage()\n"
    "  end,\n"
    "  function() turn(open((answering:gsub('127.0.0.1', 'localhost'))), 1) end,\n" /* a thread looks the name up */
    "  function()\n"
    "    local client, exchange = open(answering)\n"
    "    client:pollfd()\n"
    "    take(client, exchange)\n"
    "    exchange = assert(core.me(client, nil, { api = 'v1' }))\n"
    "    take(client, exchange)\n"
    "    core.uuid()\n"
    "  end,\n"
    "}\n"
    "ways[number % #ways + 1]()\n";

struct work {
    pthread_t thread;
    int first, states;
    const char *answering, *silent;
    int failed;
};

static bool run_state(const struct work *work, int number)
{
    lua_State *L = luaL_newstate();
    bool good;

    if (L == NULL)
        return false;
    luaL_openlibs(L);
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "preload");
    lua_pushcfunction(L, luaopen_openhands_core);
    lua_setfield(L, -2, "openhands.core");
    lua_settop(L, 0);
    good = luaL_loadbuffer(L, program, sizeof program - 1, "=threads") == 0;
    if (good) {
        lua_pushinteger(L, number);
        lua_pushstring(L, work->answering);
        lua_pushstring(L, work->silent);
        good = lua_pcall(L, 3, 0, 0) == 0;
    }
    if (!good)
        fprintf(stderr, "state %d: %s\n", number, lua_tostring(L, -1));
    lua_close(L);
    return good;
}

/* Makes a state that stays open, to keep lua-cjson loaded: the sanitizer does not know the lock under which the system
   loads and unloads libraries, and would report a race. */
static bool keep_loaded(void)
{
    lua_State *L = luaL_newstate();

    if (L == NULL)
        return false;
    luaL_openlibs(L);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "cjson");
    return lua_pcall(L, 1, 0, 0) == 0;
}

static void *run(void *context)
{
    struct work *work = context;
    int i;

    for (i = 0; i < work->states; i++)
        work->failed += run_state(work, work->first + i) ? 0 : 1;
    return NULL;
}

int main(int count, char **words)
{
    static struct work works[MOST_THREADS];
    struct listener answering, silent;
    char answering_address[64], silent_address[64];
    int pipe_ends[2], i, failed = 0;
    int states = count > 1 ? atoi(words[1]) : 1000, threads = count > 2 ? atoi(words[2]) : 8;
    pid_t server;

    if (states < 1 || threads < 1 || threads > MOST_THREADS || pipe(pipe_ends) != 0 || !listen_on(&answering) ||
        !listen_on(&silent)) {
        fputs("usage: threads [STATES [THREADS]]\n", stderr);
        return 2;
    }
    server = fork();
    if (server < 0)
        return 2;
    close(pipe_ends[server == 0 ? 1 : 0]);
    if (server == 0) {
        serve(pipe_ends[0], &answering, &silent);
        _exit(0);
    }
    if (!keep_loaded())
        return 2;
    snprintf(answering_address, sizeof answering_address, "http://127.0.0.1:%u", answering.port);
    snprintf(silent_address, sizeof silent_address, "http://127.0.0.1:%u", silent.port);
    for (i = 0; i < threads; i++) {
        works[i].first = i * states;
        works[i].states = states;
        works[i].answering = answering_address;
        works[i].silent = silent_address;
        if (pthread_create(&works[i].thread, NULL, run, &works[i]) != 0)
            return 2;
    }
    for (i = 0; i < threads; i++) {
        (void)pthread_join(works[i].thread, NULL);
        failed += works[i].failed;
    }
    printf("%d passed, %d failed\n", states * threads - failed, failed);
    return failed == 0 ? 0 : 1;
}
